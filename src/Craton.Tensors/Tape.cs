using Craton.Tensors.Diagnostics;

namespace Craton.Tensors;

/// <summary>
/// The eager tape: while one is started on a thread, operations on tensors that require a gradient are recorded as they run;
/// <see cref="Backward(Tensor)"/> walks the record from the end. Without a tape nothing is recorded and inference costs nothing extra.
/// </summary>
public sealed class Tape : IDisposable
{
    [ThreadStatic] private static Tape? s_current;
    [ThreadStatic] private static Tape? s_idle;

    private readonly List<Entry> _entries = [];
    private OpProfile? _profile; // told of every operation, when it watches this thread

    private Tape() { }

    /// <summary>True when operations are being recorded on this thread.</summary>
    public static bool IsRecording => s_current is not null;

    /// <summary>Starts recording on this thread. Dispose ends it.</summary>
    public static Tape Start()
    {
        if (s_current is not null) throw new InvalidOperationException("a tape is already recording on this thread; dispose it first");
        s_current = s_idle ?? new Tape();
        s_idle = null;
        s_current._profile = OpProfile.Current;
        s_current._profile?.Skip();
        return s_current;
    }

    /// <summary>
    /// Computes the gradients of a scalar with respect to every leaf that requires one, adding to <see cref="Tensor.Grad"/>. What an
    /// operation saved goes back to the pool as soon as its own backward step has run; <paramref name="loss"/> itself stays readable.
    /// </summary>
    public void Backward(Tensor loss)
    {
        if (loss.Count != 1) throw new CratonException($"[backward] loss: expected one element, got {loss.Layout}; reduce it with Sum or Mean, or give its gradient");
        Tensor one = Tensor.LeaseUnscoped(loss.DType, loss.Layout.Dense());
        Kernel.For(one).Fill(one, 1);
        Backward([loss], [one]);
        one.Release();
    }

    /// <summary>The same for several outputs, each with the gradient that arrives at it.</summary>
    public void Backward(ReadOnlySpan<Tensor> outputs, ReadOnlySpan<Tensor> gradients)
    {
        for (int i = 0; i < outputs.Length; i++)
        {
            Check.SameShape("backward", "gradient", gradients[i], outputs[i].Layout);
            GradFor(outputs[i]).Take(gradients[i]);
        }
        _profile?.Skip();
        Walk(0, outputs);
    }

    /// <summary>
    /// The gradient of Σ output with respect to an input, made of recorded operations: a function of it, such as a gradient penalty, can be
    /// differentiated by <see cref="Backward(Tensor)"/>, which comes later and still finds everything. Nothing is added to
    /// <see cref="Tensor.Grad"/>. The current tape must have recorded the output.
    /// </summary>
    /// <param name="output">What is differentiated.</param>
    /// <param name="input">With respect to what: a tensor that requires a gradient and was there before.</param>
    /// <exception cref="CratonException">An operation between the two has no second derivative.</exception>
    public static Tensor GradientOf(Tensor output, Tensor input)
    {
        if (s_current is not { } tape) throw new InvalidOperationException("no tape is recording on this thread; start one before the output is computed");
        var gradients = new RecordedGradients(input);
        Tensor ones = Tensor.Empty(output.DType, output.Shape);
        Kernel.For(ones).Fill(ones, 1);
        gradients.Add(output, ones);
        for (int i = tape._entries.Count - 1; i >= 0; i--)
        {
            Entry entry = tape._entries[i];
            if (ReferenceEquals(entry.Output, input)) break;
            if (gradients.Take(entry.Output) is not { } dy) continue;
            if (entry.Op is { } op) op.BackwardRecorded(dy, gradients);
            else gradients.AddToWhole(entry.Output, dy);
        }
        return gradients.Take(input) ?? throw new CratonException(
            $"[gradient] input: expected a tensor that the output {output.Layout} was computed from, got another {input.Layout}");
    }

    // Backward through the entries from the last to the given one, which may record further ones and walk through these.
    private void Walk(int first, ReadOnlySpan<Tensor> roots)
    {
        for (int i = _entries.Count - 1; i >= first; i--)
        {
            Entry entry = _entries[i];
            Tensor output = entry.Output;
            if (output.Generation != entry.Generation) throw new ObjectDisposedException(null, $"[{entry.Op?.Name ?? "view"}] output: expected a live tensor, got one already released; keep it until Backward has run");
            if (entry.Op is { } op)
            {
                if (!output.GradIsEmpty)
                    using (TensorScope.Open(op.Name))
                        op.Backward(output.GradBuffer!);
                _profile?.RanBackward(op, output);
            }
            // Off the record first: should a later step fail, Dispose must not give the operation back a second time, or two recordings
            // would share it.
            _entries.RemoveAt(i);
            entry.Op?.ReleaseSaved();
            if (!entry.IsProducer) continue;
            bool isRoot = false;
            foreach (Tensor root in roots) isRoot |= ReferenceEquals(root, output);
            if (isRoot) output.DropGrad("Backward");
            else output.Release("Backward");
        }
    }

    /// <summary>Ends the recording and releases what Backward has not consumed.</summary>
    public void Dispose()
    {
        for (int i = _entries.Count - 1; i >= 0; i--) _entries[i].Op?.ReleaseSaved();
        _entries.Clear();
        _profile = null;
        if (s_current == this)
        {
            s_current = null;
            s_idle = this;
        }
    }

    /// <summary>True when the result of an operation on these inputs must be recorded.</summary>
    internal static bool Records(Tensor a) => s_current is not null && a.RequiresGrad;

    /// <inheritdoc cref="Records(Tensor)" />
    internal static bool Records(Tensor a, Tensor? b, Tensor? c = null) =>
        s_current is not null && (a.RequiresGrad || b is { RequiresGrad: true } || c is { RequiresGrad: true });

    /// <summary>Number of entries of the current tape.</summary>
    internal static int Position => s_current!._entries.Count;

    /// <summary>Backward from a tensor that has been recorded since a position, with the gradient that arrives at it; ends at the position.</summary>
    internal static void BackwardTo(int position, Tensor output, Tensor gradient)
    {
        if (output.RequiresGrad) PassGradient(output, gradient);
        s_current!.Walk(position, []);
    }

    /// <summary>Records nothing until the result is disposed.</summary>
    internal static Pausing Pause()
    {
        var pause = new Pausing(s_current);
        s_current = null;
        return pause;
    }

    internal static void Record(Op op, Tensor output)
    {
        s_current!._profile?.Recorded(op, output);
        bool isProducer = !output.RequiresGrad; // further operations may write further parts of the same output
        output.RequiresGrad = output.IsRecorded = true;
        s_current._entries.Add(new Entry(op, output, output.Generation, isProducer));
    }

    internal static void RecordView(Tensor view)
    {
        s_current!._entries.Add(new Entry(null, view, view.Generation, IsProducer: true));
    }

    /// <summary>Where an operation's backward step writes the gradient of one of its inputs.</summary>
    internal static GradTarget GradFor(Tensor input)
    {
        if (input.ViewOf is not { } whole)
        {
            if (input.GradIsShared) Unshare(input);
            input.GradBuffer ??= Tensor.LeaseUnscoped(input.DType, input.Layout.Dense());
            var target = new GradTarget(input.GradBuffer, !input.GradIsEmpty);
            input.GradIsEmpty = false;
            return target;
        }
        // The gradient of a view is the same view of the whole's gradient; where the view is a part, the rest must be zero.
        GradTarget all = GradFor(whole);
        bool add = all.Add;
        if (!add && input.Count != whole.Count)
        {
            all.Gradient.Clear();
            add = true;
        }
        var layout = new Layout(input.Shape, input.Layout.Strides, input.Layout.Offset - whole.Layout.Offset);
        return new GradTarget(all.Gradient.CreateView(layout, differentiable: false), add);
    }

    /// <summary>
    /// The gradient of an input is a gradient that is there already, as in a sum. The result of an operation shares its memory, instead of
    /// copying, when it is the first share: it is copied later if both are still in use when one of them changes.
    /// </summary>
    internal static void PassGradient(Tensor input, Tensor gradient)
    {
        if (input.IsRecorded && Fits(input, gradient))
        {
            Adopt(input, gradient);
            input.GradIsShared = true;
        }
        else GradFor(input).Take(gradient);
    }

    /// <summary>The same with a gradient that nobody else will use.</summary>
    internal static void GiveGradient(Tensor input, Tensor gradient)
    {
        if (Fits(input, gradient)) Adopt(input, gradient);
        else GradFor(input).Take(gradient);
    }

    private static bool Fits(Tensor input, Tensor gradient) =>
        input.ViewOf is null && input.GradIsEmpty && gradient.Layout == input.Layout.Dense();

    private static void Adopt(Tensor input, Tensor gradient)
    {
        input.DropGrad("Backward");
        input.GradBuffer = gradient.ShareUnscoped();
        input.GradIsEmpty = false;
    }

    private static void Unshare(Tensor input)
    {
        input.GradIsShared = false;
        Tensor shared = input.GradBuffer!;
        if (shared.Storage.IsUnshared) return;
        Tensor own = Tensor.LeaseUnscoped(shared.DType, shared.Layout);
        Kernel.For(own).Copy(shared, own);
        input.GradBuffer = own;
        shared.Release("Backward");
    }

    internal readonly struct Pausing(Tape? tape) : IDisposable
    {
        public void Dispose() => s_current = tape;
    }

    private readonly record struct Entry(Op? Op, Tensor Output, int Generation, bool IsProducer);
}

/// <summary>Memory for a gradient. Kernels write <c>g = …</c>, or <c>g += …</c> where <paramref name="Add"/> is set.</summary>
internal readonly record struct GradTarget(Tensor Gradient, bool Add)
{
    /// <summary>Copies or adds a gradient that is already computed.</summary>
    public void Take(Tensor gradient) => Kernel.For(gradient).Copy(gradient, Gradient, Add);
}
