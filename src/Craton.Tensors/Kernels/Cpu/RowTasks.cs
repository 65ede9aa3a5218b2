namespace Craton.Tensors.Kernels;

/// <summary>Divides rows into tasks that are worth handing over. Only the shape decides, so results are the same for any number of threads.</summary>
internal readonly struct RowTasks
{
    private const int ElementsPerTask = 16384, PartialElements = 1 << 18;

    private readonly long _rows, _perTask;

    public RowTasks(in RowPlan plan) : this(plan.Rows, PerTask(plan.Length)) { }

    private RowTasks(long rows, long perTask)
    {
        (_rows, _perTask) = (rows, perTask);
        Count = checked((int)((rows + perTask - 1) / perTask));
    }

    /// <summary>Tasks of so many things of one length: matrices, or sets that are normalised together.</summary>
    public static RowTasks Of(long count, long length) => new(count, PerTask(length));

    /// <summary>
    /// Blocks of rows whose sums are added up later, in the order of the blocks: few enough that the partial sums stay small.
    /// </summary>
    public static RowTasks ForPartialSums(in RowPlan plan)
    {
        long most = Math.Clamp(PartialElements / Math.Max(1, plan.Length), 8, 128);
        return new(plan.Rows, Math.Max(16, (plan.Rows + most - 1) / most));
    }

    /// <summary>Number of tasks.</summary>
    public int Count { get; }

    public long First(int task) => task * _perTask;

    public long End(int task) => Math.Min(_rows, (task + 1) * _perTask);

    private static long PerTask(long length) => Math.Max(1, ElementsPerTask / Math.Max(1, length));
}
