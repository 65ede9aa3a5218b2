using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>Convolution of groups of very few channels and filters, as in depthwise ones: many rows of the result at a time, without a
/// product. A task is a group of an image.</summary>
internal readonly unsafe struct DepthwiseJob(ConvolutionProblem problem) : IJob
{
    private readonly ConvolutionProblem _problem = problem;

    public void Run(int task, int worker)
    {
        ConvolutionShape shape = _problem.Shape;
        (int image, int group) = Math.DivRem(task, shape.Groups);
        int steps = shape.Channels * shape.Taps, width = shape.Columns.Places, atOnce = Math.Max(1, PaddedImages.Places(shape) / width);
        long size = (PaddedImages.Size(shape, shape.Channels) + 1) & ~1L, plane = ((long)atOnce * (width + shape.Columns.Reach) + 1) & ~1L;
        float* copy = (float*)WorkerScratch.Rent(((size + plane + steps) * sizeof(float)) + (steps * sizeof(nint)));
        float* result = copy + size, taps = (float*)((nint*)(result + plane) + steps);
        nint* places = (nint*)(result + plane);
        var images = new PaddedImages(shape, _problem.Source, shape.Channels, copy);
        for (int row = 0; row < shape.Rows.Places; row += atOnce)
        {
            int rows = Math.Min(atOnce, shape.Rows.Places - row);
            if (steps > 0) images.Fill((image * shape.Pixels) + (row * width), rows * width, group * shape.Channels, shape.Channels);
            for (int f = 0; f < shape.Filters; f++)
            {
                ReadTaps(group, f, images, taps, places);
                int filter = (group * shape.Filters) + f;
                float* target = _problem.Target.At(image, filter, row, 0);
                if (_problem.Add) Exchange(target, result, images.Width, rows, isRead: true);
                float? start = _problem.Add ? null : _problem.Bias == null ? 0 : _problem.Bias[filter];
                // The rows lie as those of the copy do; between them something is computed that nobody reads.
                Elementwise.ForEach(new DepthwiseLoop(copy, taps, places, steps, result, start), ((rows - 1L) * images.Width) + width);
                Exchange(target, result, images.Width, rows, isRead: false);
            }
        }
    }

    private void ReadTaps(int group, int filter, in PaddedImages images, float* taps, nint* places)
    {
        FilterView view = _problem.Filters;
        for (int c = 0; c < _problem.Shape.Channels; c++)
            for (int t = 0; t < _problem.Shape.Rows.Taps; t++)
                for (int u = 0; u < _problem.Shape.Columns.Taps; u++)
                {
                    *taps++ = view.Data[(group * view.Group) + (filter * view.Filter) + (c * view.Channel) + (t * view.Row) + (u * view.Column)];
                    *places++ = images.Tap(c, t, u);
                }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Exchange(float* there, float* here, int width, int rows, bool isRead)
    {
        nint step = _problem.Target.Column;
        int count = _problem.Shape.Columns.Places;
        for (int row = 0; row < rows; row++, there += _problem.Target.Row, here += width)
            if (step == 1) new ReadOnlySpan<float>(isRead ? there : here, count).CopyTo(new Span<float>(isRead ? here : there, count));
            else
                for (int i = 0; i < count; i++)
                    if (isRead) here[i] = there[i * step];
                    else there[i * step] = here[i];
    }
}

/// <summary>result[i] = start (or result[i]) + Σ taps[t] · source[places[t] + i].</summary>
internal readonly unsafe struct DepthwiseLoop(float* source, float* taps, nint* places, int count, float* result, float? start) : IElementLoop
{
    private readonly float* _source = source, _taps = taps, _result = result;
    private readonly nint* _places = places;
    private readonly int _count = count;
    private readonly float _start = start ?? 0;
    private readonly bool _add = start is null;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void At<V>(long i) where V : struct, IVec<V>
    {
        V sum = _add ? V.Load(_result, i) : V.Broadcast(_start);
        for (int t = 0; t < _count; t++) sum = V.Fma(V.BroadcastAt(_taps + t), V.Load(_source + _places[t], i), sum);
        V.Store(_result, i, sum);
    }
}
