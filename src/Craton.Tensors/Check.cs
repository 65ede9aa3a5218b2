using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Craton.Tensors;

/// <summary>The one place that words what is wrong with an operation's arguments: <c>[op] argument: expected …, got …; hint</c>.</summary>
internal static class Check
{
    public static void SameShape(string op, string argument, Tensor tensor, in Layout expected)
    {
        if (!tensor.Layout.SameShape(expected)) Fail(op, argument, $"shape {expected}", $"{tensor.Layout}");
    }

    public static void Shape(string op, string argument, Tensor tensor, params ReadOnlySpan<int> expected)
    {
        if (!tensor.Shape.SequenceEqual(expected)) Fail(op, argument, $"shape {Layout.Describe(expected)}", $"{tensor.Layout}");
    }

    public static void Rank(string op, string argument, Tensor tensor, int least, int most = Layout.MaxRank)
    {
        if (tensor.Rank < least || tensor.Rank > most)
            Fail(op, argument, least == most ? $"{least} dimensions" : $"{least} to {most} dimensions", $"{tensor.Layout}");
    }

    public static void Size(string op, string argument, Tensor tensor, int dim, int expected)
    {
        if (tensor.Size(dim) != expected) Fail(op, argument, $"size {expected} in dimension {dim}", $"{tensor.Layout}");
    }

    /// <summary>A computed size of a dimension, which must be an int.</summary>
    public static int Fits(string op, string argument, long size)
    {
        if (size > int.MaxValue) Fail(op, argument, $"a result of at most {int.MaxValue} along a dimension", $"{size}");
        return (int)size;
    }

    /// <summary>Computing types: F32, and F64 for references.</summary>
    public static void Float(string op, string argument, Tensor tensor)
    {
        if (tensor.DType is not (DType.F32 or DType.F64)) Fail(op, argument, "F32 or F64", $"{tensor.DType}", "convert it with Cast");
    }

    public static void SameType(string op, string argument, Tensor tensor, Tensor other)
    {
        if (tensor.DType != other.DType) Fail(op, argument, $"{other.DType}", $"{tensor.DType}", "convert one of them with Cast");
    }

    public static void Indices(string op, string argument, Tensor tensor)
    {
        if (tensor.DType is not (DType.I32 or DType.I64)) Fail(op, argument, "I32 or I64 indices", $"{tensor.DType}");
    }

    /// <summary>A dimension counted from the start. A scalar counts as one dimension.</summary>
    public static int Dim(string op, Tensor tensor, int dim)
    {
        int rank = Math.Max(1, tensor.Rank), at = dim < 0 ? dim + rank : dim;
        if (at < 0 || at >= rank) Fail(op, "dim", $"{-rank} to {rank - 1}", $"{dim}");
        return at;
    }

    public static void That(
        [DoesNotReturnIf(false)] bool condition, string op, string argument,
        [InterpolatedStringHandlerArgument(nameof(condition))] CheckText expected,
        [InterpolatedStringHandlerArgument(nameof(condition))] CheckText got, string? hint = null)
    {
        if (!condition) Fail(op, argument, expected.ToString(), got.ToString(), hint);
    }

    [DoesNotReturn]
    public static void Fail(string op, string argument, string expected, string got, string? hint = null) =>
        throw new CratonException($"[{op}] {argument}: expected {expected}, got {got}{(hint is null ? "" : "; " + hint)}");
}

/// <summary>Part of a message: an interpolated string that is put together only when the check has failed, for checks run at every call.</summary>
[InterpolatedStringHandler]
internal ref struct CheckText
{
    private readonly string? _plain;
    private DefaultInterpolatedStringHandler _text;

    public CheckText(int literalLength, int formattedCount, bool condition, out bool isWanted)
    {
        isWanted = !condition;
        if (isWanted) _text = new DefaultInterpolatedStringHandler(literalLength, formattedCount);
    }

    private CheckText(string plain) => _plain = plain;

    public static implicit operator CheckText(string plain) => new(plain);

    public void AppendLiteral(string text) => _text.AppendLiteral(text);

    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    public void AppendFormatted(ReadOnlySpan<int> shape) => _text.AppendLiteral(Layout.Describe(shape));

    public override string ToString() => _plain ?? _text.ToStringAndClear();
}
