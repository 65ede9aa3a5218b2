using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>Convolution of groups of very few channels and filters, as in depthwise ones: a row of the result at a time, without a product. A
/// task is a group of an image.</summary>
internal readonly unsafe struct DepthwiseJob(ConvolutionProblem problem) : IJob
{
    private readonly ConvolutionProblem _problem = problem;

    public void Run(int task, int worker)
    {
        ConvolutionShape shape = _problem.Shape;
        (int image, int group) = Math.DivRem(task, shape.Groups);
        int steps = shape.Channels * shape.Taps, width = shape.Columns.Places, atOnce = Math.Max(1, PaddedImages.Places(shape) / width);
        long size = PaddedImages.Size(shape, shape.Channels);
        float* copy = (float*)WorkerScratch.Rent(((size + steps + width) * sizeof(float)) + (steps * sizeof(nint)));
        float* taps = copy + size, line = taps + steps;
        nint* places = (nint*)(line + width + ((size + steps + width) & 1));
        var images = new PaddedImages(shape, _problem.Source, shape.Channels, copy);
        for (int first = 0; first < shape.Rows.Places; first += atOnce)
        {
            int end = Math.Min(shape.Rows.Places, first + atOnce);
            if (steps > 0) images.Fill((image * shape.Pixels) + (first * width), (end - first) * width, group * shape.Channels, shape.Channels);
            for (int f = 0; f < shape.Filters; f++)
            {
                int filter = (group * shape.Filters) + f, count = ReadTaps(group, f, images, taps, places);
                for (int row = first; row < end; row++)
                    ComputeRow(image, filter, row, new DepthwiseLoop(images.Start + (count == 0 ? 0 : images.Place(image, row, 0)), taps, places, count, line, Start(filter)));
            }
        }
    }

    private float? Start(int filter) => _problem.Add ? null : _problem.Bias == null ? 0 : _problem.Bias[filter];

    private int ReadTaps(int group, int filter, in PaddedImages images, float* taps, nint* places)
    {
        int count = 0;
        FilterView view = _problem.Filters;
        for (int c = 0; c < _problem.Shape.Channels; c++)
            for (int t = 0; t < _problem.Shape.Rows.Taps; t++)
                for (int u = 0; u < _problem.Shape.Columns.Taps; u++)
                {
                    taps[count] = view.Data[(group * view.Group) + (filter * view.Filter) + (c * view.Channel) + (t * view.Row) + (u * view.Column)];
                    places[count++] = images.Tap(c, t, u);
                }
        return count;
    }

    private void ComputeRow(int image, int filter, int row, DepthwiseLoop loop)
    {
        int width = _problem.Shape.Columns.Places;
        nint step = _problem.Target.Column;
        float* there = _problem.Target.At(image, filter, row, 0), line = loop.Line;
        if (_problem.Add)
            for (int i = 0; i < width; i++) line[i] = there[i * step];
        Elementwise.ForEach(loop, width);
        for (int i = 0; i < width; i++) there[i * step] = line[i];
    }
}

/// <summary>line[i] = start (or line[i]) + Σ taps[t] · source[places[t] + i].</summary>
internal readonly unsafe struct DepthwiseLoop(float* source, float* taps, nint* places, int count, float* line, float? start) : IElementLoop
{
    private readonly float* _source = source, _taps = taps;
    private readonly nint* _places = places;
    private readonly int _count = count;
    private readonly float _start = start ?? 0;
    private readonly bool _add = start is null;

    public readonly float* Line = line;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void At<V>(long i) where V : struct, IVec<V>
    {
        V sum = _add ? V.Load(Line, i) : V.Broadcast(_start);
        for (int t = 0; t < _count; t++) sum = V.Fma(V.BroadcastAt(_taps + t), V.Load(_source + _places[t], i), sum);
        V.Store(Line, i, sum);
    }
}

/// <summary>The gradient of the weight of such a convolution: dot products of rows. A task is a filter.</summary>
internal readonly unsafe struct DepthwiseWeightJob(WeightProblem problem) : IJob
{
    private readonly WeightProblem _problem = problem;

    public void Run(int task, int worker)
    {
        ConvolutionShape shape = _problem.Shape;
        int steps = shape.Channels * shape.Taps, width = shape.Columns.Places, atOnce = Math.Max(1, PaddedImages.Places(shape) / width);
        long size = PaddedImages.Size(shape, shape.Channels);
        float* copy = (float*)WorkerScratch.Rent((size + steps) * sizeof(float)), sums = copy + size, target = _problem.Target + ((nint)task * steps);
        for (int i = 0; i < steps; i++) sums[i] = _problem.Add ? target[i] : 0;
        var images = new PaddedImages(shape, _problem.Source, shape.Channels, copy);
        for (int image = 0; image < shape.Images; image++)
            for (int first = 0; first < shape.Rows.Places; first += atOnce)
            {
                int rows = Math.Min(atOnce, shape.Rows.Places - first);
                images.Fill((image * shape.Pixels) + (first * width), rows * width, task / shape.Filters * shape.Channels, shape.Channels);
                for (int row = first; row < first + rows; row++) AddRow(image, task, row, images, sums);
            }
        new ReadOnlySpan<float>(sums, steps).CopyTo(new Span<float>(target, steps));
    }

    private void AddRow(int image, int filter, int row, in PaddedImages images, float* sums)
    {
        ConvolutionShape shape = _problem.Shape;
        float* dy = _problem.Gradient.At(image, filter, row, 0), source = images.Start + images.Place(image, row, 0);
        for (int c = 0; c < shape.Channels; c++)
            for (int t = 0; t < shape.Rows.Taps; t++)
                for (int u = 0; u < shape.Columns.Taps; u++) *sums++ += Lanes16.Dot(dy, source + images.Tap(c, t, u), shape.Columns.Places);
    }
}
