using System.Numerics;

namespace Craton.Tensors.Kernels;

internal unsafe partial class ReferenceKernels
{
    /// <summary>y[i, :] = weight[ids[i], :].</summary>
    public virtual void Embedding(Tensor weight, Tensor ids, Tensor y)
    {
        if (y.DType == DType.F64) Embedding<double>(weight, ids, y);
        else Embedding<float>(weight, ids, y);
    }

    /// <summary>dweight[ids[i], :] += dy[i, :], i ascending, except where ids[i] is the padding.</summary>
    public virtual void EmbeddingGradient(Tensor dy, Tensor ids, int padding, Tensor dweight)
    {
        if (dy.DType == DType.F64) EmbeddingGradient<double>(dy, ids, padding, dweight);
        else EmbeddingGradient<float>(dy, ids, padding, dweight);
    }

    private static void Embedding<T>(Tensor weight, Tensor ids, Tensor y) where T : unmanaged
    {
        int n = weight.Size(1);
        for (long i = 0; i < ids.Count; i++)
            for (int j = 0; j < n; j++) new Elements<T>(y)[i * n + j] = new Elements<T>(weight)[(int)new Indices(ids)[i], j];
    }

    private static void EmbeddingGradient<T>(Tensor dy, Tensor ids, int padding, Tensor dweight) where T : unmanaged, INumber<T>
    {
        int n = dweight.Size(1);
        for (long i = 0; i < ids.Count; i++)
        {
            int id = (int)new Indices(ids)[i];
            if (id == padding) continue;
            for (int j = 0; j < n; j++) new Elements<T>(dweight)[id, j] += new Elements<T>(dy)[i * n + j];
        }
    }
}
