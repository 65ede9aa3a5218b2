using System.Numerics;

namespace Craton.Tensors.Kernels;

internal unsafe partial class ReferenceKernels
{
    /// <summary>y = (x − mean) / √(variance + ε) · weight[c] + bias[c], mean and variance those of the element's set; they go to statistics
    /// [sets, 2]. x and y contiguous.</summary>
    public virtual void NormSets(Tensor x, Tensor? weight, Tensor? bias, double eps, in NormSets sets, Tensor y, Tensor statistics)
    {
        if (y.DType == DType.F64) NormSets<double>(x, weight, bias, eps, sets, y, statistics);
        else NormSets<float>(x, weight, bias, eps, sets, y, statistics);
    }

    /// <summary>The gradient of x, where wanted, and those of weight and bias for each segment: [N, C], contiguous.</summary>
    public virtual void NormSetsGradient(
        Tensor x, Tensor? weight, Tensor statistics, double eps, in NormSets sets, Tensor dy, GradTarget? dx, Tensor dweight, Tensor dbias)
    {
        if (dy.DType == DType.F64) NormSetsGradient<double>(x, weight, statistics, eps, sets, dy, dx, dweight, dbias);
        else NormSetsGradient<float>(x, weight, statistics, eps, sets, dy, dx, dweight, dbias);
    }

    /// <summary>mean += momentum · (batch's − mean), and so the variance, the batch's times a correction. Of statistics [C, 2].</summary>
    public static void AverageStatistics(Tensor statistics, Tensor mean, Tensor variance, double momentum, double correction)
    {
        if (mean.DType == DType.F64) AverageStatistics<double>(statistics, mean, variance, momentum, correction);
        else AverageStatistics<float>(statistics, mean, variance, momentum, correction);
    }

    private static void NormSets<T>(Tensor x, Tensor? weight, Tensor? bias, double eps, in NormSets sets, Tensor y, Tensor statistics)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var xs = new Elements<T>(x);
        var ys = new Elements<T>(y);
        T count = T.CreateChecked((long)sets.Segments * sets.Pixels);
        for (int set = 0; set < sets.Count; set++)
        {
            T sum = T.Zero, squares = T.Zero;
            for (int i = 0; i < sets.Segments; i++)
                for (long p = 0, at = (long)sets.Segment(set, i) * sets.Pixels; p < sets.Pixels; p++) sum += xs[at + p];
            T mean = sum / count;
            for (int i = 0; i < sets.Segments; i++)
                for (long p = 0, at = (long)sets.Segment(set, i) * sets.Pixels; p < sets.Pixels; p++) squares += (xs[at + p] - mean) * (xs[at + p] - mean);
            T variance = squares / count, r = T.One / T.Sqrt(variance + T.CreateChecked(eps));
            for (int i = 0; i < sets.Segments; i++)
            {
                int segment = sets.Segment(set, i), c = segment % sets.Channels;
                T shift = bias is null ? T.Zero : new Elements<T>(bias)[c];
                for (long p = 0, at = (long)segment * sets.Pixels; p < sets.Pixels; p++) ys[at + p] = (xs[at + p] - mean) * r * FactorAt<T>(weight, 0, c) + shift;
            }
            (new Elements<T>(statistics)[set, 0], new Elements<T>(statistics)[set, 1]) = (mean, variance);
        }
    }

    private static void NormSetsGradient<T>(
        Tensor x, Tensor? weight, Tensor statistics, double eps, in NormSets sets, Tensor dy, GradTarget? dx, Tensor dweight, Tensor dbias)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var xs = new Elements<T>(x);
        var dys = new Elements<T>(dy);
        T count = T.CreateChecked((long)sets.Segments * sets.Pixels);
        for (int set = 0; set < sets.Count; set++)
        {
            T mean = new Elements<T>(statistics)[set, 0], r = T.One / T.Sqrt(new Elements<T>(statistics)[set, 1] + T.CreateChecked(eps));
            T meanG = T.Zero, meanGz = T.Zero;
            for (int i = 0; i < sets.Segments; i++)
            {
                int segment = sets.Segment(set, i);
                T sum = T.Zero, dot = T.Zero;
                for (long p = 0, at = (long)segment * sets.Pixels; p < sets.Pixels; p++)
                {
                    sum += dys[at + p];
                    dot += dys[at + p] * (xs[at + p] - mean) * r;
                }
                (new Elements<T>(dbias)[segment], new Elements<T>(dweight)[segment]) = (sum, dot);
                T factor = FactorAt<T>(weight, 0, segment % sets.Channels);
                meanG += factor * sum / count;
                meanGz += factor * dot / count;
            }
            if (dx is not { } target) continue;
            for (int i = 0; i < sets.Segments; i++)
            {
                int segment = sets.Segment(set, i);
                T factor = FactorAt<T>(weight, 0, segment % sets.Channels);
                for (long p = 0, at = (long)segment * sets.Pixels; p < sets.Pixels; p++)
                    Put(target, at + p, r * (dys[at + p] * factor - meanG - (xs[at + p] - mean) * r * meanGz));
            }
        }
    }

    private static void AverageStatistics<T>(Tensor statistics, Tensor mean, Tensor variance, double momentum, double correction)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var batch = new Elements<T>(statistics);
        var means = new Elements<T>(mean);
        var variances = new Elements<T>(variance);
        T part = T.CreateChecked(momentum), factor = T.CreateChecked(correction);
        for (int c = 0; c < statistics.Size(0); c++)
        {
            means[c] += part * (batch[c, 0] - means[c]);
            variances[c] += part * (batch[c, 1] * factor - variances[c]);
        }
    }
}
