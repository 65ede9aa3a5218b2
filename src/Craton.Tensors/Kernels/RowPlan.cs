using System.Runtime.CompilerServices;

namespace Craton.Tensors.Kernels;

/// <summary>
/// How to walk several layouts of one shape in step: dimensions that lie evenly in all of them are merged, the last remaining one is the
/// row that a kernel loops over, the others number the rows.
/// </summary>
internal struct RowPlan
{
    public const int MaxOperands = 4;

    private int _rank;
    private Sizes _sizes;
    private AllStrides _strides; // [operand * MaxRank + dimension]
    private Starts _starts;

    /// <summary>Number of rows; 0 when there are no elements.</summary>
    public long Rows { get; private set; }

    /// <summary>Elements in a row.</summary>
    public long Length { get; private set; }

    public static RowPlan Of(in Layout a) => Of(a, a, a, a, 1);

    public static RowPlan Of(in Layout a, in Layout b) => Of(a, b, b, b, 2);

    public static RowPlan Of(in Layout a, in Layout b, in Layout c) => Of(a, b, c, c, 3);

    public static RowPlan Of(in Layout a, in Layout b, in Layout c, in Layout d) => Of(a, b, c, d, 4);

    /// <summary>
    /// Rows along one dimension, which is never merged with others: row r is the r-th of the remaining dimensions in row-major order.
    /// </summary>
    public static RowPlan Along(int dim, in Layout a) => Along(dim, a, a, a, a, 1);

    /// <inheritdoc cref="Along(int, in Layout)" />
    public static RowPlan Along(int dim, in Layout a, in Layout b) => Along(dim, a, b, b, b, 2);

    /// <inheritdoc cref="Along(int, in Layout)" />
    public static RowPlan Along(int dim, in Layout a, in Layout b, in Layout c) => Along(dim, a, b, c, c, 3);

    /// <inheritdoc cref="Along(int, in Layout)" />
    public static RowPlan Along(int dim, in Layout a, in Layout b, in Layout c, in Layout d) => Along(dim, a, b, c, d, 4);

    /// <summary>Distance between neighbours of a row.</summary>
    public readonly long Step(int operand) => _rank == 0 ? 1 : _strides[operand * Layout.MaxRank + _rank - 1];

    /// <summary>How many rows that follow each other lie evenly: a matrix. The rows are so many times the matrices.</summary>
    public readonly long RowsOfMatrix => _rank >= 2 ? _sizes[_rank - 2] : 1;

    /// <summary>Distance of the rows of a matrix.</summary>
    public readonly long RowStep(int operand) => _rank >= 2 ? _strides[operand * Layout.MaxRank + _rank - 2] : 0;

    /// <summary>Index of the first element of a row in one operand's storage.</summary>
    public readonly long Start(int operand, long row)
    {
        long at = _starts[operand];
        for (int i = _rank - 2; i >= 0; i--)
        {
            (row, long index) = Math.DivRem(row, _sizes[i]);
            at += index * _strides[operand * Layout.MaxRank + i];
        }
        return at;
    }

    private static RowPlan Along(int dim, in Layout a, in Layout b, in Layout c, in Layout d, int operands)
    {
        if (a.Rank == 0) return Of(a, b, c, d, operands);
        Span<int> order = stackalloc int[a.Rank];
        for (int i = 0; i < order.Length; i++) order[i] = i < dim ? i : i + 1;
        order[^1] = dim;
        return Of(a.Permute(order), b.Permute(order), c.Permute(order), d.Permute(order), operands, keepLast: true);
    }

    private static RowPlan Of(in Layout a, in Layout b, in Layout c, in Layout d, int operands, bool keepLast = false)
    {
        var plan = default(RowPlan);
        plan.Add(0, a);
        if (operands > 1) plan.Add(1, b);
        if (operands > 2) plan.Add(2, c);
        if (operands > 3) plan.Add(3, d);
        int rank = 0;
        for (int i = 0; i < a.Rank; i++)
        {
            bool isRow = keepLast && i == a.Rank - 1;
            if (a[i] == 1 && !isRow) continue;
            bool merges = rank > 0 && !isRow;
            for (int o = 0; o < operands && merges; o++)
                merges = plan._strides[o * Layout.MaxRank + rank - 1] == plan._strides[o * Layout.MaxRank + i] * a[i];
            if (!merges) rank++;
            plan._sizes[rank - 1] = merges ? plan._sizes[rank - 1] * a[i] : a[i];
            for (int o = 0; o < operands; o++) plan._strides[o * Layout.MaxRank + rank - 1] = plan._strides[o * Layout.MaxRank + i];
        }
        plan._rank = rank;
        plan.Length = rank == 0 ? a.Count : plan._sizes[rank - 1];
        plan.Rows = plan.Length == 0 ? 0 : 1;
        for (int i = 0; i < rank - 1; i++) plan.Rows *= plan._sizes[i];
        return plan;
    }

    private void Add(int operand, in Layout layout)
    {
        _starts[operand] = layout.Offset;
        for (int i = 0; i < layout.Rank; i++) _strides[operand * Layout.MaxRank + i] = layout.Stride(i);
    }

    [InlineArray(Layout.MaxRank)]
    private struct Sizes
    {
        private long _first;
    }

    [InlineArray(Layout.MaxRank * MaxOperands)]
    private struct AllStrides
    {
        private long _first;
    }

    [InlineArray(MaxOperands)]
    private struct Starts
    {
        private long _first;
    }
}
