using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

// A plane is a task: rows are combined into a line, and that is combined along itself; on the way back the other way round.
internal sealed unsafe partial class CpuKernels
{
    public override void Resample(Tensor x, Tensor y, in Resampling rows, in Resampling columns)
    {
        if (y.Count == 0) return;
        (ResamplingTable down, ResamplingTable across) = Tables(rows, columns);
        var job = new ResampleJob((float*)x.Pointer, (float*)y.Pointer, rows, columns, down, across);
        WorkerPool.Run(ref job, y.Size(0) * y.Size(1));
    }

    public override void ResampleGradient(Tensor dy, Tensor dx, in Resampling rows, in Resampling columns, bool add)
    {
        if (dx.Count == 0) return;
        (ResamplingTable down, ResamplingTable across) = Tables(rows, columns);
        var job = new ResampleGradientJob((float*)dy.Pointer, (float*)dx.Pointer, rows, columns, down, across, add);
        WorkerPool.Run(ref job, dx.Size(0) * dx.Size(1));
    }

    private readonly struct ResampleJob(float* x, float* y, Resampling rows, Resampling columns, ResamplingTable down, ResamplingTable across) : IJob
    {
        private readonly ResamplingTable _down = down, _across = across;

        public void Run(int task, int worker)
        {
            float* line = (float*)WorkerScratch.Rent((long)columns.Source * sizeof(float));
            float* from = x + (nint)task * rows.Source * columns.Source, to = y + (nint)task * rows.Places * columns.Places;
            for (int r = 0; r < rows.Places; r++, to += columns.Places)
            {
                if (r > 0 && _down.IsCopy(r) && _down.IsCopy(r - 1) && _down.At(_down.First(r)) == _down.At(_down.First(r - 1)))
                    new ReadOnlySpan<float>(to - columns.Places, columns.Places).CopyTo(new Span<float>(to, columns.Places));
                else Across(Down(from, r, line), to);
            }
        }

        // The rows that a row is made of, combined.
        private float* Down(float* from, int row, float* line)
        {
            if (_down.IsCopy(row)) return from + (nint)_down.At(_down.First(row)) * columns.Source;
            new Span<float>(line, columns.Source).Clear();
            for (int i = _down.First(row); i < _down.First(row + 1); i++)
                Elementwise.ForEach(new AddScaledLoop(from + (nint)_down.At(i) * columns.Source, (float)_down.Weight(i), line), columns.Source);
            return line;
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Across(float* line, float* to)
        {
            for (int s = 0, j = 0; s < columns.Places; s++)
            {
                int end = _across.First(s + 1);
                float sum = 0;
                for (; j < end; j++) sum += (float)_across.Weight(j) * line[_across.At(j)];
                to[s] = sum;
            }
        }
    }

    private readonly struct ResampleGradientJob(
        float* dy, float* dx, Resampling rows, Resampling columns, ResamplingTable down, ResamplingTable across, bool add) : IJob
    {
        private readonly ResamplingTable _down = down, _across = across;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int task, int worker)
        {
            int pixels = rows.Source * columns.Source;
            float* line = (float*)WorkerScratch.Rent((long)columns.Source * sizeof(float));
            float* from = dy + (nint)task * rows.Places * columns.Places, to = dx + (nint)task * pixels;
            if (!add) new Span<float>(to, pixels).Clear();
            for (int r = 0; r < rows.Places; r++, from += columns.Places)
            {
                new Span<float>(line, columns.Source).Clear();
                for (int s = 0; s < columns.Places; s++)
                    for (int j = _across.First(s); j < _across.First(s + 1); j++) line[_across.At(j)] += (float)_across.Weight(j) * from[s];
                for (int i = _down.First(r); i < _down.First(r + 1); i++)
                    Elementwise.ForEach(new AddScaledLoop(line, (float)_down.Weight(i), to + (nint)_down.At(i) * columns.Source), columns.Source);
            }
        }
    }

    /// <summary>y[i] += scale · x[i].</summary>
    private readonly struct AddScaledLoop(float* x, float scale, float* y) : IElementLoop
    {
        private readonly float* _x = x, _y = y;
        private readonly float _scale = scale;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<V>(long i) where V : struct, IVec<V> => V.Store(_y, i, V.Fma(V.Load(_x, i), V.Broadcast(_scale), V.Load(_y, i)));
    }
}
