using Craton.Tensors.Kernels.Cpu;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

// Convolutions are matrix products whose second operand, the patches of the image, is never made: panels of it are packed where the tiles
// need them. Each element is one chain of fused multiply-adds in the order of channels and taps, as in the reference.
internal sealed unsafe partial class CpuKernels
{
    public override void Convolve(Tensor x, Tensor weight, Tensor? bias, Tensor y, in ConvolutionShape shape, bool add = false)
    {
        float* start = bias is null ? null : (float*)bias.Pointer;
        ConvolutionShape flat = shape.Flattened();
        ImageView source = ImageView.Of(x, flat.Columns.Source), target = ImageView.Of(y, flat.Columns.Places);
        Convolve(new ConvolutionProblem(flat, source, FilterView.Of(weight, flat), start, target, add), TileGrid.Suits(shape));
    }

    // Source places at one remainder of the strides are an ordinary convolution of the result, of stride 1.
    public override void ConvolveTransposed(Tensor y, Tensor weight, Tensor? bias, Tensor x, in ConvolutionShape shape, bool add = false)
    {
        float* start = bias is null ? null : (float*)bias.Pointer;
        ConvolutionShape flat = shape.Flattened();
        ImageView source = ImageView.Of(y, flat.Columns.Places), target = ImageView.Of(x, flat.Columns.Source);
        bool isTiled = shape.Rows.Stride == 1 && shape.Columns.Stride == 1 && TileGrid.Suits(shape.Transposed());
        for (int i = 0; i < flat.Rows.Stride; i++)
            for (int j = 0; j < flat.Columns.Stride; j++)
            {
                ConvolutionPhase rows = flat.Rows.Phase(i), columns = flat.Columns.Phase(j);
                var phase = new ConvolutionShape(flat.Images, flat.Groups, flat.Filters, flat.Channels, rows.Axis, columns.Axis);
                if (phase.Pixels == 0) continue;
                var part = new ImageView(
                    target.At(0, 0, rows.Start, columns.Start), target.Image, target.Channel, target.Row * flat.Rows.Stride, target.Column * flat.Columns.Stride);
                Convolve(new ConvolutionProblem(phase, source, FilterView.Of(weight, flat).Transposed(rows, columns), start, part, add), isTiled);
            }
    }

    public override void ConvolveWeight(Tensor x, Tensor dy, Tensor dw, in ConvolutionShape shape, bool add = false)
    {
        if (dw.Count == 0) return;
        if (dy.Count == 0)
        {
            if (!add) Fill(dw, 0);
            return;
        }
        ConvolutionShape flat = shape.Flattened();
        var problem = new WeightProblem(flat, ImageView.Of(x, flat.Columns.Source), ImageView.Of(dy, flat.Columns.Places), (float*)dw.Pointer, add);
        if (IsDepthwise(flat))
        {
            var each = new DepthwiseWeightJob(problem);
            WorkerPool.Run(ref each, flat.Groups * flat.Filters);
            return;
        }
        if (TileGrid.Suits(shape))
        {
            WeightByTiles(problem);
            return;
        }
        switch (Gemm.RegisterBits)
        {
            case 512: RunWeight<Vec512>(problem); break;
            case 256: RunWeight<Vec256>(problem); break;
            case 128: RunWeight<Vec128>(problem); break;
            default: RunWeight<Scalar32>(problem); break;
        }
    }

    private static void Convolve(in ConvolutionProblem problem, bool isTiled)
    {
        ConvolutionShape shape = problem.Shape;
        if (shape.Images == 0 || shape.Filters == 0 || shape.Pixels == 0) return;
        if (isTiled)
        {
            ConvolveByTiles(problem);
            return;
        }
        if (IsDepthwise(shape))
        {
            var each = new DepthwiseJob(problem);
            WorkerPool.Run(ref each, checked(shape.Images * shape.Groups));
            return;
        }
        switch (Gemm.RegisterBits)
        {
            case 512: Run<Vec512>(problem); break;
            case 256: Run<Vec256>(problem); break;
            case 128: Run<Vec128>(problem); break;
            default: Run<Scalar32>(problem); break;
        }
    }

    // Groups so small that the lanes of a tile would stay empty.
    private static bool IsDepthwise(in ConvolutionShape shape) => shape.Groups > 1 && shape.Channels * shape.Filters <= 4;

    private static void Run<V>(in ConvolutionProblem problem) where V : struct, IVec<V>
    {
        ConvolutionShape shape = problem.Shape;
        long steps = (long)shape.Channels * shape.Taps;
        var filters = new PackedFilters(problem.Filters, shape, GemmTiles<V>.MostRows);
        if (filters.IsShared) WorkerPool.Run(ref filters, filters.Tasks);
        var product = new GemmShape(shape.Filters, checked(shape.Images * shape.Pixels), (int)steps, shape.Groups);
        GemmPartition partition = GemmPartition.For(product, GemmTiles<V>.MostRows, GemmTiles<V>.VectorsAcross(shape.Filters) * V.Lanes, WorkerPool.Threads);
        var job = new ConvolutionJob<V>(problem, filters, partition);
        WorkerPool.Run(ref job, partition.Tasks);
    }

    private readonly struct ConvolutionJob<V>(ConvolutionProblem problem, PackedFilters filters, GemmPartition partition) : IJob where V : struct, IVec<V>
    {
        private readonly ConvolutionProblem _problem = problem;
        private readonly PackedFilters _filters = filters;
        private readonly GemmPartition _partition = partition;

        public void Run(int task, int worker)
        {
            long first = _partition.Rectangles * task / _partition.Tasks, end = _partition.Rectangles * (task + 1) / _partition.Tasks;
            for (long i = first; i < end; i++)
            {
                GemmRange range = _partition.Range(i, out int group);
                new ConvolutionRectangle<V>(_problem, _filters.Of(worker), group, range).Compute();
            }
        }
    }

    private static void RunWeight<V>(in WeightProblem problem) where V : struct, IVec<V>
    {
        ConvolutionShape shape = problem.Shape;
        int steps = (int)Math.Min(int.MaxValue, (long)shape.Images * shape.Pixels * shape.Taps);
        GemmPartition partition = GemmPartition.For(
            new GemmShape(shape.Filters, shape.Channels, steps, shape.Groups), GemmTiles<V>.MostRows, 2 * V.Lanes, WorkerPool.Threads);
        var job = new ConvolutionWeightJob<V>(problem, partition);
        WorkerPool.Run(ref job, partition.Tasks);
    }

    private readonly struct ConvolutionWeightJob<V>(WeightProblem problem, GemmPartition partition) : IJob where V : struct, IVec<V>
    {
        private readonly WeightProblem _problem = problem;
        private readonly GemmPartition _partition = partition;

        public void Run(int task, int worker)
        {
            long first = _partition.Rectangles * task / _partition.Tasks, end = _partition.Rectangles * (task + 1) / _partition.Tasks;
            for (long i = first; i < end; i++)
            {
                GemmRange range = _partition.Range(i, out int group);
                new ConvolutionWeightRectangle<V>(_problem, group, range).Compute();
            }
        }
    }
}
