using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

/// <summary>The constants of one AdamW step.</summary>
/// <param name="LearningRate">Step size.</param>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Eps">Added to the root of the second moment.</param>
/// <param name="Correction1">1 − beta1ᵗ.</param>
/// <param name="Correction2">1 − beta2ᵗ.</param>
/// <param name="GradientScale">Multiplies the gradient first: clipping and the mean over targets.</param>
public readonly record struct AdamWStep(
    double LearningRate, double Beta1, double Beta2, double Eps, double Correction1, double Correction2, double GradientScale);

/// <summary>
/// Passes over many F32 tensors at once, in pieces of a fixed size that all workers share: the norm of a gradient, and the AdamW update.
/// The lists of tensors are fixed at construction; a pass allocates nothing.
/// </summary>
public sealed unsafe class ParameterPass
{
    private const int PieceLength = 32768;

    private readonly Tensor[] _parameters;
    private readonly (int Parameter, long Start, int Count)[] _pieces;
    private readonly nint[] _weights, _gradients, _first, _second;
    private readonly float[] _decays;
    private readonly double[] _sums;

    /// <summary>Prepares passes over parameters, which must be contiguous F32 tensors.</summary>
    public ParameterPass(IEnumerable<Tensor> parameters)
    {
        _parameters = [.. parameters];
        foreach (Tensor tensor in _parameters)
            Check.That(tensor.DType == DType.F32 && tensor.Layout.IsContiguous, "optimizer", "parameter", "a contiguous F32 tensor", $"{tensor}");
        var pieces = new List<(int, long, int)>();
        for (int i = 0; i < _parameters.Length; i++)
            for (long start = 0; start < _parameters[i].Count; start += PieceLength)
                pieces.Add((i, start, (int)Math.Min(PieceLength, _parameters[i].Count - start)));
        _pieces = [.. pieces];
        _weights = new nint[_parameters.Length];
        _gradients = new nint[_parameters.Length];
        _first = new nint[_parameters.Length];
        _second = new nint[_parameters.Length];
        _decays = new float[_parameters.Length];
        _sums = new double[_pieces.Length];
    }

    /// <summary>The Euclidean norm of all gradients together; not finite when one of them is not.</summary>
    public double GradientNorm()
    {
        Locate();
        var job = new SquaresJob(this);
        WorkerPool.Run(ref job, _pieces.Length);
        double sum = 0;
        foreach (double part in _sums) sum += part;
        return Math.Sqrt(sum);
    }

    /// <summary>
    /// AdamW (Loshchilov, Hutter 2019) on every parameter that has a gradient: m = β₁m + (1−β₁)g, v = β₂v + (1−β₂)g²,
    /// p = p − η·λ·p − η·(m/c₁) / (√(v/c₂) + ε).
    /// </summary>
    /// <param name="step">The constants of the step.</param>
    /// <param name="first">First moments, one for each parameter.</param>
    /// <param name="second">Second moments.</param>
    /// <param name="decays">Weight decay λ of each parameter.</param>
    public void AdamW(AdamWStep step, ReadOnlySpan<Tensor> first, ReadOnlySpan<Tensor> second, ReadOnlySpan<double> decays)
    {
        Locate();
        for (int i = 0; i < _parameters.Length; i++)
        {
            _first[i] = (nint)first[i].Pointer;
            _second[i] = (nint)second[i].Pointer;
            _decays[i] = (float)(1 - step.LearningRate * decays[i]);
        }
        var job = new AdamWJob(this, step);
        WorkerPool.Run(ref job, _pieces.Length);
    }

    private void Locate()
    {
        for (int i = 0; i < _parameters.Length; i++)
        {
            _weights[i] = (nint)_parameters[i].Pointer;
            _gradients[i] = _parameters[i].Grad is { } gradient ? (nint)gradient.Pointer : 0;
        }
    }

    private readonly struct SquaresJob(ParameterPass pass) : IJob
    {
        public void Run(int task, int worker)
        {
            (int parameter, long start, int count) = pass._pieces[task];
            float* gradient = (float*)pass._gradients[parameter];
            pass._sums[task] = gradient == null ? 0 : Lanes16.SumOfSquares(gradient + start, count);
        }
    }

    private readonly struct AdamWJob(ParameterPass pass, AdamWStep step) : IJob
    {
        public void Run(int task, int worker)
        {
            (int parameter, long start, int count) = pass._pieces[task];
            float* gradient = (float*)pass._gradients[parameter];
            if (gradient == null) return;
            Elementwise.ForEach(
                new AdamWLoop(step, (float*)pass._weights[parameter] + start, gradient + start, (float*)pass._first[parameter] + start,
                    (float*)pass._second[parameter] + start, pass._decays[parameter]),
                count);
        }
    }

    private readonly struct AdamWLoop(AdamWStep step, float* weights, float* gradients, float* first, float* second, float keep) : IElementLoop
    {
        private readonly float* _weights = weights, _gradients = gradients, _first = first, _second = second;
        private readonly float _keep = keep, _scale = (float)step.GradientScale, _eps = (float)step.Eps;
        private readonly float _beta1 = (float)step.Beta1, _beta2 = (float)step.Beta2, _rest1 = (float)(1 - step.Beta1), _rest2 = (float)(1 - step.Beta2);
        private readonly float _rate = (float)(step.LearningRate / step.Correction1), _root = (float)(1 / Math.Sqrt(step.Correction2));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<V>(long i) where V : struct, IVec<V>
        {
            V g = V.Load(_gradients, i) * V.Broadcast(_scale);
            V m = V.Fma(V.Broadcast(_beta1), V.Load(_first, i), V.Broadcast(_rest1) * g);
            V v = V.Fma(V.Broadcast(_beta2), V.Load(_second, i), V.Broadcast(_rest2) * g * g);
            V denominator = V.Fma(V.Sqrt(v), V.Broadcast(_root), V.Broadcast(_eps));
            // Without gradients moments would fade into subnormal numbers and stay there.
            V.Store(_first, i, VMath.Normal(m));
            V.Store(_second, i, VMath.Normal(v));
            V.Store(_weights, i, V.Load(_weights, i) * V.Broadcast(_keep) - V.Broadcast(_rate) * m / denominator);
        }
    }
}
