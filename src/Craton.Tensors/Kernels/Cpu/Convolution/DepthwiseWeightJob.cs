using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>
/// The gradient of the weight of a convolution in groups of very few channels and filters. A task is a filter. Column j of every row adds to
/// lane j mod 16 of a tap's sum, row after row; the lanes are added at the end.
/// </summary>
internal readonly unsafe struct DepthwiseWeightJob(WeightProblem problem) : IJob
{
    private const int Lanes = 16;

    private readonly WeightProblem _problem = problem;

    public void Run(int task, int worker)
    {
        ConvolutionShape shape = _problem.Shape;
        int steps = shape.Channels * shape.Taps, width = shape.Columns.Places, atOnce = Math.Max(1, PaddedImages.Places(shape) / width);
        long size = (PaddedImages.Size(shape, shape.Channels) + 1) & ~1L;
        float* copy = (float*)WorkerScratch.Rent(((size + (Lanes * steps)) * sizeof(float)) + (steps * sizeof(nint))), sums = copy + size;
        nint* places = (nint*)(sums + (Lanes * steps));
        new Span<float>(sums, Lanes * steps).Clear();
        var images = new PaddedImages(shape, _problem.Source, shape.Channels, copy);
        for (int c = 0, i = 0; c < shape.Channels; c++)
            for (int t = 0; t < shape.Rows.Taps; t++)
                for (int u = 0; u < shape.Columns.Taps; u++) places[i++] = images.Tap(c, t, u);
        for (int image = 0; image < shape.Images; image++)
            for (int row = 0; row < shape.Rows.Places; row += atOnce)
            {
                int rows = Math.Min(atOnce, shape.Rows.Places - row);
                images.Fill((image * shape.Pixels) + (row * width), rows * width, task / shape.Filters * shape.Channels, shape.Channels);
                var add = new AddRows(_problem.Gradient.At(image, task, row, 0), copy, places, steps, sums, rows, width, images.Width);
                SimdWidth.Run(ref add);
            }
        float* target = _problem.Target + ((nint)task * steps);
        for (int i = 0; i < steps; i++) target[i] = (_problem.Add ? target[i] : 0) + Lanes16.Sum(sums + (Lanes * i), Lanes);
    }

    private readonly struct AddRows(float* dy, float* source, nint* places, int count, float* sums, int rows, int width, int sourceWidth) : IVecJob
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>() where V : struct, IVec<V>
        {
            for (int t = 0; t < count; t++)
                for (int lane = 0; lane < Lanes; lane += V.Lanes)
                {
                    V sum = V.Load(sums, (t * Lanes) + lane);
                    for (int row = 0; row < rows; row++)
                    {
                        float* gradient = dy + ((nint)row * width), from = source + places[t] + ((nint)row * sourceWidth);
                        int j = lane;
                        for (; j + V.Lanes <= width; j += Lanes) sum = V.Fma(V.Load(gradient, j), V.Load(from, j), sum);
                        if (j >= width) continue;
                        V.Store(sums, (t * Lanes) + lane, sum);
                        for (int i = j; i < width; i++) Step(gradient + i, from + i, sums + (t * Lanes) + lane + i - j);
                        sum = V.Load(sums, (t * Lanes) + lane);
                    }
                    V.Store(sums, (t * Lanes) + lane, sum);
                }
        }

        private static void Step(float* dy, float* x, float* sum) => Scalar32.Store(sum, 0, Scalar32.Fma(Scalar32.Load(dy), Scalar32.Load(x), Scalar32.Load(sum)));
    }
}
