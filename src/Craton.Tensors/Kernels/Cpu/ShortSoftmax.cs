using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

/// <summary>
/// Softmax and its gradient over a few elements that lie apart, many such rows side by side: a lane is a row. Sums are those of <see cref="Lanes16"/>, so the
/// bits do not depend on how a row lies.
/// </summary>
internal static unsafe class ShortSoftmax
{
    private const int MostElements = 16;

    /// <summary>Whether rows lie so in all operands.</summary>
    public static bool Suits(in RowPlan plan, int operands)
    {
        if (plan.Length is < 1 or > MostElements || plan.RowsOfMatrix < MostElements) return false;
        for (int i = 0; i < operands; i++)
            if (plan.RowStep(i) != 1) return false;
        return true;
    }

    /// <summary>y = softmax(x): operands 0 and 1 of the plan.</summary>
    public static void Forward(in RowPlan plan, Tensor x, Tensor y)
    {
        var job = new ForwardJob(plan, (float*)x.Storage.Pointer, (float*)y.Storage.Pointer);
        WorkerPool.Run(ref job, Tasks(plan).Count);
    }

    /// <summary>dx = y · (dy − Σ y · dy), or is added to: operands 0 (dx), 1 (y) and 2 (dy) of the plan.</summary>
    public static void Backward(in RowPlan plan, Tensor y, Tensor dy, Tensor dx, bool add)
    {
        var job = new BackwardJob(plan, (float*)y.Storage.Pointer, (float*)dy.Storage.Pointer, (float*)dx.Storage.Pointer, add);
        WorkerPool.Run(ref job, Tasks(plan).Count);
    }

    // A task is some matrices.
    private static RowTasks Tasks(in RowPlan plan) => RowTasks.Of(plan.Rows / plan.RowsOfMatrix, plan.RowsOfMatrix * plan.Length);

    /// <summary>The sum of n elements of every lane, in the order of <see cref="Lanes16"/>.</summary>
    private static V Sum<V>(ReadOnlySpan<V> elements, int first = 0, int distance = 1) where V : struct, IVec<V>
    {
        if (distance == MostElements) return elements[first];
        V sum = Sum(elements, first, 2 * distance);
        return sum + (first + distance < elements.Length ? Sum(elements, first + distance, 2 * distance) : V.Broadcast(0));
    }

    private readonly struct ForwardJob(RowPlan plan, float* xs, float* ys) : IJob
    {
        private readonly RowPlan _plan = plan;

        public void Run(int task, int worker)
        {
            RowTasks tasks = Tasks(_plan);
            for (long matrix = tasks.First(task); matrix < tasks.End(task); matrix++)
            {
                long row = matrix * _plan.RowsOfMatrix;
                Elementwise.ForEach(new Loop(xs + _plan.Start(1, row), (nint)_plan.Step(1), ys + _plan.Start(0, row), (nint)_plan.Step(0), (int)_plan.Length), _plan.RowsOfMatrix);
            }
        }

        private readonly struct Loop(float* x, nint xStep, float* y, nint yStep, int n) : IElementLoop
        {
            [SkipLocalsInit]
            public void At<V>(long i) where V : struct, IVec<V>
            {
                byte* memory = stackalloc byte[MostElements * sizeof(float) * 16];
                var elements = new Span<V>(memory, n);
                V max = V.Load(x, i);
                for (int j = 1; j < n; j++) max = V.Max(max, V.Load(x + j * xStep, i));
                for (int j = 0; j < n; j++) elements[j] = VMath.Exp(V.Load(x + j * xStep, i) - max);
                V scale = V.Broadcast(1) / Sum<V>(elements);
                for (int j = 0; j < n; j++) V.Store(y + j * yStep, i, elements[j] * scale);
            }
        }
    }

    private readonly struct BackwardJob(RowPlan plan, float* ys, float* dys, float* dxs, bool add) : IJob
    {
        private readonly RowPlan _plan = plan;

        public void Run(int task, int worker)
        {
            RowTasks tasks = Tasks(_plan);
            for (long matrix = tasks.First(task); matrix < tasks.End(task); matrix++)
            {
                long row = matrix * _plan.RowsOfMatrix;
                float* dx = dxs + _plan.Start(0, row), y = ys + _plan.Start(1, row), dy = dys + _plan.Start(2, row);
                Elementwise.ForEach(new Loop(y, (nint)_plan.Step(1), dy, (nint)_plan.Step(2), dx, (nint)_plan.Step(0), (int)_plan.Length, add), _plan.RowsOfMatrix);
            }
        }

        private readonly struct Loop(float* y, nint yStep, float* dy, nint dyStep, float* dx, nint dxStep, int n, bool add) : IElementLoop
        {
            [SkipLocalsInit]
            public void At<V>(long i) where V : struct, IVec<V>
            {
                byte* memory = stackalloc byte[MostElements * sizeof(float) * 16];
                var products = new Span<V>(memory, n);
                for (int j = 0; j < n; j++) products[j] = V.Fma(V.Load(dy + j * dyStep, i), V.Load(y + j * yStep, i), V.Broadcast(0));
                V dot = Sum<V>(products);
                for (int j = 0; j < n; j++)
                {
                    V slope = V.Load(y + j * yStep, i) * (V.Load(dy + j * dyStep, i) - dot);
                    V.Store(dx + j * dxStep, i, add ? V.Load(dx + j * dxStep, i) + slope : slope);
                }
            }
        }
    }
}
