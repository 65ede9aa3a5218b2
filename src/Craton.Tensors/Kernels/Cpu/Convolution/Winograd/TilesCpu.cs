using Craton.Tensors.Kernels.Cpu;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

// Convolutions that TileGrid suits: 16 small products between transforms.
internal sealed unsafe partial class CpuKernels
{
    private static void ConvolveByTiles(in ConvolutionProblem problem)
    {
        switch (Gemm.RegisterBits)
        {
            case 512: RunTiles<Vec512>(problem); break;
            case 256: RunTiles<Vec256>(problem); break;
            case 128: RunTiles<Vec128>(problem); break;
            default: RunTiles<Scalar32>(problem); break;
        }
    }

    private static void RunTiles<V>(in ConvolutionProblem problem) where V : struct, IVec<V>
    {
        ConvolutionShape shape = problem.Shape;
        var filters = new TileFilters<V>(problem, (float*)WorkerScratch.Rent(TileFilters<V>.Size(shape) * sizeof(float)));
        WorkerPool.Run(ref filters, filters.Panels);
        var product = new GemmShape(shape.Filters, TileGrid.Of(shape).Count, TileGrid.Products * shape.Channels, 1);
        var job = new TileJob<V>(problem, filters, GemmPartition.For(product, GemmTiles<V>.MostRows, PackedMatrix.PanelColumns, WorkerPool.Threads));
        WorkerPool.Run(ref job, job.Tasks);
    }

    private readonly struct TileJob<V>(ConvolutionProblem problem, TileFilters<V> filters, GemmPartition partition) : IJob where V : struct, IVec<V>
    {
        private readonly ConvolutionProblem _problem = problem;
        private readonly TileFilters<V> _filters = filters;
        private readonly GemmPartition _partition = partition;

        public int Tasks => (int)_partition.Rectangles;

        public void Run(int task, int worker) => new TileRectangle<V>(_problem, _filters, _partition.Range(task, out _)).Compute();
    }

    private static void WeightByTiles(in WeightProblem problem)
    {
        switch (Gemm.RegisterBits)
        {
            case 512: RunWeightTiles<Vec512>(problem); break;
            case 256: RunWeightTiles<Vec256>(problem); break;
            case 128: RunWeightTiles<Vec128>(problem); break;
            default: RunWeightTiles<Scalar32>(problem); break;
        }
    }

    private static void RunWeightTiles<V>(in WeightProblem problem) where V : struct, IVec<V>
    {
        ConvolutionShape shape = problem.Shape;
        int steps = (int)Math.Min(int.MaxValue, (long)TileGrid.Products * TileGrid.Of(shape).Count);
        var product = new GemmShape(shape.Filters, shape.Channels, steps, 1);
        var job = new TileWeightJob<V>(problem, GemmPartition.For(product, GemmTiles<V>.MostRows, PackedMatrix.PanelColumns, WorkerPool.Threads));
        WorkerPool.Run(ref job, job.Tasks);
    }

    private readonly struct TileWeightJob<V>(WeightProblem problem, GemmPartition partition) : IJob where V : struct, IVec<V>
    {
        private readonly WeightProblem _problem = problem;
        private readonly GemmPartition _partition = partition;

        public int Tasks => (int)_partition.Rectangles;

        public void Run(int task, int worker) => new TileWeightRectangle<V>(_problem, _partition.Range(task, out _)).Compute();
    }
}
