using System.Runtime.CompilerServices;

namespace Craton.Tensors.Kernels;

/// <summary>
/// Divides the rows of a plan into pieces that fit the first-level cache and groups of pieces that are worth a task. Only the shape
/// decides, so results are the same for any number of threads.
/// </summary>
internal readonly struct Pieces
{
    /// <summary>Most elements of a piece.</summary>
    public const int Length = 2048;

    private const int ElementsPerTask = 16384;

    private readonly long _rowLength, _perRow, _perTask, _count;

    public Pieces(in RowPlan plan)
    {
        _rowLength = plan.Length;
        _perRow = (plan.Length + Length - 1) / Length;
        _count = plan.Rows * _perRow;
        _perTask = Math.Max(1, ElementsPerTask / Math.Clamp(plan.Length, 1, Length));
        Tasks = checked((int)((_count + _perTask - 1) / _perTask));
    }

    public int Tasks { get; }

    public long First(int task) => task * _perTask;

    public long End(int task) => Math.Min(_count, (task + 1) * _perTask);

    /// <summary>Which elements of which row a piece covers.</summary>
    public int Locate(long piece, out long row, out long first)
    {
        (row, long part) = Math.DivRem(piece, _perRow);
        first = part * Length;
        return (int)Math.Min(Length, _rowLength - first);
    }
}

/// <summary>An operand of an element-wise kernel: pieces of it as adjacent floats, gathered into a buffer where its step is not 1.</summary>
internal readonly unsafe struct Operand(Tensor tensor, int index)
{
    private readonly float* _start = (float*)tensor.Storage.Pointer;

    public float* At(in RowPlan plan, long row, long first) => _start + plan.Start(index, row) + first * plan.Step(index);

    public float* Read(in RowPlan plan, long row, long first, int count, float* buffer)
    {
        float* from = At(plan, row, first);
        long step = plan.Step(index);
        if (step == 1) return from;
        if (step == 0) new Span<float>(buffer, count).Fill(*from);
        else
            for (int i = 0; i < count; i++) buffer[i] = from[i * step];
        return buffer;
    }

    /// <summary>Where to put a row that is only written: the row itself, or a buffer to <see cref="Write"/> from.</summary>
    public float* Target(in RowPlan plan, long row, float* buffer) => plan.Step(index) == 1 ? At(plan, row, 0) : buffer;

    public void Write(in RowPlan plan, long row, long first, int count, float* buffer)
    {
        float* to = At(plan, row, first);
        long step = plan.Step(index);
        for (int i = 0; i < count; i++) to[i * step] = buffer[i];
    }
}
