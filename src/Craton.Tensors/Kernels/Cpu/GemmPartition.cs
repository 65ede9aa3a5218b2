namespace Craton.Tensors.Kernels.Cpu;

/// <summary>A rectangle of C.</summary>
internal readonly record struct GemmRange(int Row, int Rows, int Column, int Columns);

/// <summary>How a product is cut for the workers: each matrix into a grid of rectangles, and the rectangles of all matrices into tasks.
/// May depend on the number of threads, because the value of no element depends on the cut.</summary>
internal readonly struct GemmPartition
{
    // Below this a task costs more to hand over than it gains: about 2 µs of work.
    private const double TaskFlops = 5e5;

    // At most this many tasks a thread, so that one which lost its core for a while does not keep the others waiting for long.
    private const int TasksPerThread = 4;

    // But none smaller than this for it: each meets its operands anew. A quarter of a millisecond of work.
    private const double LargeTaskFlops = 6e7;

    // Estimates for choosing a grid: cycles to pack one element, and the part of a task that threads wait for each other at the end.
    private const double PackingCycles = 0.5, WaitingPart = 0.05;

    private readonly GemmShape _shape;
    private readonly int _gridRows, _gridColumns, _columnUnit;

    private GemmPartition(GemmShape shape, int gridRows, int gridColumns, int columnUnit, long wanted)
    {
        _shape = shape;
        _gridRows = gridRows;
        _gridColumns = gridColumns;
        _columnUnit = columnUnit;
        Tasks = (int)Math.Min(Rectangles, wanted);
    }

    /// <summary>Rectangles of all matrices together.</summary>
    public long Rectangles => (long)_shape.Batch * _gridRows * _gridColumns;

    public int Tasks { get; }

    /// <summary>The grid with the least estimated time.</summary>
    /// <param name="shape">Sizes of the product.</param>
    /// <param name="tileRows">Rows of a full register tile.</param>
    /// <param name="tileColumns">Columns of a full register tile: cuts fall on multiples.</param>
    /// <param name="threads">Threads to keep busy.</param>
    /// <param name="packed">B need not be packed.</param>
    public static GemmPartition For(GemmShape shape, int tileRows, int tileColumns, int threads, bool packed = false)
    {
        double flops = 2.0 * shape.M * shape.N * Math.Max(1, shape.K) * shape.Batch;
        double mostPerThread = Math.Clamp(flops / threads / LargeTaskFlops, 1, TasksPerThread);
        int mostTasks = threads == 1 ? 1 : (int)Math.Clamp(flops / TaskFlops, 1, threads * mostPerThread);
        int perMatrix = (int)((mostTasks + (long)shape.Batch - 1) / shape.Batch);
        int mostRows = (shape.M + tileRows - 1) / tileRows, mostColumns = (shape.N + tileColumns - 1) / tileColumns;
        (int gridRows, int gridColumns, double least) = (1, 1, double.PositiveInfinity);
        for (int rows = 1; rows <= Math.Min(perMatrix, mostRows); rows++)
            for (int columns = 1; columns <= Math.Min(perMatrix / rows, mostColumns); columns++)
            {
                double time = Time(shape, rows, columns, tileColumns, threads, packed);
                if (time < least)
                    (gridRows, gridColumns, least) = (rows, columns, time);
            }
        return new GemmPartition(shape, gridRows, gridColumns, tileColumns, mostTasks);
    }

    /// <summary>Estimated cycles for a grid. A is packed once for each of its columns, B once for each of its rows.</summary>
    private static double Time(GemmShape shape, int rows, int columns, int tileColumns, int threads, bool packed)
    {
        double arithmetic = (double)shape.M * shape.N / tileColumns; // a step of k, two fused multiply-adds a cycle
        double packing = PackingCycles * (((double)shape.M * columns) + (packed ? 0 : (double)shape.N * rows));
        double rectangles = (double)shape.Batch * rows * columns;
        return (Math.Ceiling(rectangles / threads) + WaitingPart) * (arithmetic + packing) / (rows * columns);
    }

    /// <summary>Place of rectangle <paramref name="index"/>, 0 .. <see cref="Rectangles"/>-1.</summary>
    public GemmRange Range(long index, out int batch)
    {
        (long matrix, long place) = Math.DivRem(index, (long)_gridRows * _gridColumns);
        (int gridRow, int gridColumn) = ((int)(place / _gridColumns), (int)(place % _gridColumns));
        batch = (int)matrix;
        int row = Cut(_shape.M, 1, gridRow, _gridRows), column = Cut(_shape.N, _columnUnit, gridColumn, _gridColumns);
        return new GemmRange(
            row, Cut(_shape.M, 1, gridRow + 1, _gridRows) - row,
            column, Cut(_shape.N, _columnUnit, gridColumn + 1, _gridColumns) - column);
    }

    /// <summary>Where part <paramref name="part"/> of <paramref name="parts"/> nearly equal ones begins, in multiples of a unit.</summary>
    private static int Cut(int length, int unit, int part, int parts)
    {
        long units = (length + (long)unit - 1) / unit;
        return (int)Math.Min(length, units * part / parts * unit);
    }
}
