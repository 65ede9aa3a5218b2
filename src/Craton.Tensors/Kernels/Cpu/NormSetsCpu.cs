using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

// Some sets are a task. Segments are reduced on sixteen lanes each, and their sums added in double precision in the order of the segments.
internal sealed unsafe partial class CpuKernels
{
    public override void NormSets(Tensor x, Tensor? weight, Tensor? bias, double eps, in NormSets sets, Tensor y, Tensor statistics)
    {
        if (y.Count == 0) return;
        var job = new NormSetsJob(sets, (float*)x.Pointer, (float*)y.Pointer, Floats(weight), Floats(bias), (float*)statistics.Pointer, eps);
        WorkerPool.Run(ref job, job.Tasks.Count);
    }

    public override void NormSetsGradient(
        Tensor x, Tensor? weight, Tensor statistics, double eps, in NormSets sets, Tensor dy, GradTarget? dx, Tensor dweight, Tensor dbias)
    {
        if (dy.Count == 0)
        {
            base.NormSetsGradient(x, weight, statistics, eps, sets, dy, dx, dweight, dbias);
            return;
        }
        var job = new NormSetsGradientJob(sets, (float*)x.Pointer, (float*)dy.Pointer, Floats(weight), (float*)statistics.Pointer, eps)
        {
            Dx = dx is { } target ? (float*)target.Gradient.Pointer : null,
            Add = dx is { Add: true },
            DWeight = (float*)dweight.Pointer,
            DBias = (float*)dbias.Pointer,
        };
        WorkerPool.Run(ref job, job.Tasks.Count);
    }

    private readonly struct NormSetsJob(NormSets sets, float* x, float* y, float* weight, float* bias, float* statistics, double eps) : IJob
    {
        public readonly RowTasks Tasks = RowTasks.Of(sets.Count, (long)sets.Segments * sets.Pixels);

        private readonly NormSets _sets = sets;

        public void Run(int task, int worker)
        {
            for (long set = Tasks.First(task); set < Tasks.End(task); set++) Normalise((int)set);
        }

        private void Normalise(int set)
        {
            int pixels = _sets.Pixels;
            double sum = 0, squares = 0, count = (double)_sets.Segments * pixels;
            for (int i = 0; i < _sets.Segments; i++) sum += Lanes16.Sum(x + (nint)_sets.Segment(set, i) * pixels, pixels);
            float mean = (float)(sum / count);
            for (int i = 0; i < _sets.Segments; i++)
                squares += Lanes16.Fold(new DeviationFold(x + (nint)_sets.Segment(set, i) * pixels, mean), pixels);
            float variance = (float)(squares / count), r = (float)(1 / Math.Sqrt(variance + eps));
            for (int i = 0; i < _sets.Segments; i++)
            {
                int segment = _sets.Segment(set, i), c = segment % _sets.Channels;
                nint at = (nint)segment * pixels;
                float factor = weight == null ? 1 : weight[c], shift = bias == null ? 0 : bias[c];
                Elementwise.ForEach(new StandardizeSegmentLoop(x + at, y + at, mean, r, factor, shift), pixels);
            }
            (statistics[2 * set], statistics[2 * set + 1]) = (mean, variance);
        }
    }

    private struct NormSetsGradientJob(NormSets sets, float* x, float* dy, float* weight, float* statistics, double eps) : IJob
    {
        public readonly RowTasks Tasks = RowTasks.Of(sets.Count, (long)sets.Segments * sets.Pixels);

        private readonly NormSets _sets = sets;
        public float* Dx, DWeight, DBias;
        public bool Add;

        public readonly void Run(int task, int worker)
        {
            for (long set = Tasks.First(task); set < Tasks.End(task); set++) Differentiate((int)set);
        }

        private readonly void Differentiate(int set)
        {
            int pixels = _sets.Pixels;
            float mean = statistics[2 * set], r = (float)(1 / Math.Sqrt(statistics[2 * set + 1] + eps));
            double sumG = 0, sumGz = 0, count = (double)_sets.Segments * pixels;
            for (int i = 0; i < _sets.Segments; i++)
            {
                int segment = _sets.Segment(set, i);
                nint at = (nint)segment * pixels;
                float sum = Lanes16.Sum(dy + at, pixels);
                float dot = (float)Lanes16.Fold(new StandardizedDotFold(dy + at, x + at, mean, r, new Factors(null, 0)), pixels);
                (DBias[segment], DWeight[segment]) = (sum, dot);
                double factor = weight == null ? 1 : weight[segment % _sets.Channels];
                sumG += factor * sum;
                sumGz += factor * dot;
            }
            for (int i = 0; i < _sets.Segments && Dx != null; i++)
            {
                int segment = _sets.Segment(set, i);
                nint at = (nint)segment * pixels;
                float factor = weight == null ? 1 : weight[segment % _sets.Channels];
                var loop = new NormSegmentGradientLoop(x + at, dy + at, Dx + at, mean, r, Add) { Factor = factor, MeanG = (float)(sumG / count), MeanGz = (float)(sumGz / count) };
                Elementwise.ForEach(loop, pixels);
            }
        }
    }

    private readonly struct StandardizeSegmentLoop(float* x, float* y, float mean, float r, float factor, float shift) : IElementLoop
    {
        private readonly float* _x = x, _y = y;
        private readonly float _mean = mean, _r = r, _factor = factor, _shift = shift;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<V>(long i) where V : struct, IVec<V> =>
            V.Store(_y, i, V.Fma((V.Load(_x, i) - V.Broadcast(_mean)) * V.Broadcast(_r), V.Broadcast(_factor), V.Broadcast(_shift)));
    }

    private struct NormSegmentGradientLoop(float* x, float* dy, float* dx, float mean, float r, bool add) : IElementLoop
    {
        private readonly float* _x = x, _dy = dy, _dx = dx;
        private readonly float _mean = mean, _r = r;
        private readonly bool _add = add;
        public float Factor, MeanG, MeanGz;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void At<V>(long i) where V : struct, IVec<V>
        {
            V r = V.Broadcast(_r), z = (V.Load(_x, i) - V.Broadcast(_mean)) * r;
            V inner = V.Fma(V.Load(_dy, i), V.Broadcast(Factor), -V.Broadcast(MeanG));
            V dx = r * V.Fma(-z, V.Broadcast(MeanGz), inner);
            V.Store(_dx, i, _add ? V.Load(_dx, i) + dx : dx);
        }
    }
}
