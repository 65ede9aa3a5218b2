using System.Diagnostics.CodeAnalysis;

namespace Craton.Tensors;

/// <summary>
/// A recorded operation. Its fields are exactly what its backward step needs. Objects are recycled, so recording allocates nothing in
/// steady state.
/// </summary>
[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicFields)] // the profile reads them
internal abstract class Op
{
    private Tensor? _saved;
    private Tensor? _saved2;

    /// <summary>The operation's name in errors and profiles.</summary>
    public abstract string Name { get; }

    /// <summary>Adds to the gradients of the inputs what follows from the gradient of the output.</summary>
    /// <param name="dy">Gradient of the output, laid out as the output is.</param>
    public abstract void Backward(Tensor dy);

    /// <summary>The backward step made of recorded operations, so that the gradients have gradients (<see cref="Tape.GradientOf"/>).</summary>
    /// <param name="dy">Gradient of the output.</param>
    /// <param name="gradients">Takes those of the inputs that it wants.</param>
    public virtual void BackwardRecorded(Tensor dy, RecordedGradients gradients) =>
        throw new CratonException(
            $"[{Name}]: expected an operation whose gradient has a gradient; use a convolution, a linear layer, arithmetic, a sum, a norm of channels or rows, or a plain activation");

    /// <summary>Hands over a buffer that only the backward step reads: it is released as soon as that has run.</summary>
    protected void Own(Tensor buffer, Tensor? second = null) => (_saved, _saved2) = (buffer, second);

    /// <summary>Releases owned buffers and gives the object back for another recording.</summary>
    internal void ReleaseSaved()
    {
        _saved?.Release(Name);
        _saved2?.Release(Name);
        (_saved, _saved2) = (null, null);
        Recycle();
    }

    private protected abstract void Recycle();
}

/// <summary>An operation whose objects are rented: <c>SoftmaxOp.Rent()</c>.</summary>
/// <typeparam name="TSelf">The operation itself.</typeparam>
internal abstract class Op<TSelf> : Op where TSelf : Op<TSelf>, new()
{
    [ThreadStatic] private static Stack<TSelf>? s_idle;

    /// <summary>An idle object, or a new one.</summary>
    public static TSelf Rent() => s_idle is { Count: > 0 } idle ? idle.Pop() : new TSelf();

    private protected override void Recycle() => (s_idle ??= []).Push((TSelf)this);
}
