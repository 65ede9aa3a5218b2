namespace Craton.Evaluation.Images;

/// <summary>A symmetric matrix [n, n] of doubles; its lower half, diagonal included, is what counts.</summary>
internal sealed class SymmetricMatrix(int size)
{
    private const double Epsilon = 2.220446049250313e-16;

    private readonly double[][] _rows = [.. Enumerable.Range(0, size).Select(i => new double[i + 1])];

    /// <summary>Number of rows and columns.</summary>
    public int Size => size;

    /// <summary>An element of the lower half, j ≤ i.</summary>
    public ref double this[int i, int j] => ref _rows[i][j];

    /// <summary>The covariance of vectors about their mean, divided by one less than their number.</summary>
    public static SymmetricMatrix Covariance(VectorSet vectors, ReadOnlySpan<double> mean)
    {
        var result = new SymmetricMatrix(vectors.Width);
        double[] centred = new double[vectors.Width];
        for (int v = 0; v < vectors.Count; v++)
        {
            for (int i = 0; i < centred.Length; i++) centred[i] = vectors[v][i] - mean[i];
            for (int i = 0; i < centred.Length; i++) AddScaled(result._rows[i], centred, centred[i]);
        }
        foreach (double[] row in result._rows)
            for (int j = 0; j < row.Length; j++) row[j] /= vectors.Count - 1;
        return result;
    }

    /// <summary>Sum of the diagonal.</summary>
    public double Trace() => _rows.Sum(row => row[^1]);

    /// <summary>
    /// Vectors v with matrix = Σ v·vᵀ, as many as the rank: Cholesky's factor, the largest remaining diagonal element first. The matrix must have
    /// no negative eigenvalue.
    /// </summary>
    public List<double[]> Factors()
    {
        double[] left = [.. _rows.Select(row => row[^1])];
        double least = size * Epsilon * left.Max();
        var factors = new List<double[]>();
        while (factors.Count < size)
        {
            int pivot = Array.IndexOf(left, left.Max());
            if (!(left[pivot] > least)) break;
            double[] factor = [.. Enumerable.Range(0, size).Select(i => _rows[Math.Max(i, pivot)][Math.Min(i, pivot)])];
            foreach (double[] earlier in factors) AddScaled(factor, earlier, -earlier[pivot]);
            double root = Math.Sqrt(left[pivot]);
            for (int i = 0; i < size; i++)
            {
                factor[i] /= root;
                left[i] -= factor[i] * factor[i];
            }
            left[pivot] = 0;
            factors.Add(factor);
        }
        return factors;
    }

    /// <summary>The matrix of aᵀ · this · b for all vectors a and b.</summary>
    public SymmetricMatrix Between(List<double[]> vectors)
    {
        var result = new SymmetricMatrix(vectors.Count);
        for (int i = 0; i < vectors.Count; i++)
        {
            double[] product = Times(vectors[i]);
            for (int j = 0; j <= i; j++) result[i, j] = VectorSet.Dot(product, vectors[j]);
        }
        return result;
    }

    /// <summary>All eigenvalues, ascending: Householder's reflections leave a matrix of three diagonals, whose eigenvalues are counted and halved in.</summary>
    public double[] Eigenvalues()
    {
        (double[] diagonal, double[] beside) = Tridiagonal();
        double reach = 0;
        for (int i = 0; i < size; i++)
            reach = Math.Max(reach, Math.Abs(diagonal[i]) + Math.Abs(beside[i]) + (i + 1 < size ? Math.Abs(beside[i + 1]) : 0));
        return [.. Enumerable.Range(0, size).Select(place =>
        {
            (double low, double high) = (-reach, reach);
            for (double middle = 0; high - low > Epsilon * reach; middle = low + (high - low) / 2)
            {
                if (CountBelow(middle, diagonal, beside, Epsilon * reach) > place) high = middle;
                else low = middle;
            }
            return low + (high - low) / 2;
        })];
    }

    // The number of negative pivots of T − x·I is the number of eigenvalues below x (Sylvester's law of inertia).
    private static int CountBelow(double x, double[] diagonal, double[] beside, double tiny)
    {
        int count = 0;
        double pivot = 1;
        for (int i = 0; i < diagonal.Length; i++)
        {
            pivot = diagonal[i] - x - beside[i] * beside[i] / pivot;
            if (Math.Abs(pivot) < tiny * Epsilon) pivot = -tiny * Epsilon;
            if (pivot < 0) count++;
        }
        return count;
    }

    // Row by row from the last, a reflection makes zeros of all before the element beside the diagonal; beside[i] stands left of diagonal[i].
    private (double[] Diagonal, double[] Beside) Tridiagonal()
    {
        var work = new SymmetricMatrix(size);
        for (int i = 0; i < size; i++) _rows[i].CopyTo(work._rows[i], 0);
        double[] diagonal = new double[size], beside = new double[size];
        for (int i = size - 1; i >= 0; i--)
        {
            diagonal[i] = work[i, i];
            if (i == 0) break;
            double[] mirror = work._rows[i][..i];
            double length = Math.Sqrt(VectorSet.Dot(mirror, mirror));
            beside[i] = mirror[^1] > 0 ? -length : length;
            mirror[^1] -= beside[i];
            double square = VectorSet.Dot(mirror, mirror);
            if (square > 0) work.Reflect(mirror, square);
        }
        return (diagonal, beside);
    }

    // H·A·H of the leading part, with H = I − 2·v·vᵀ / v²: A − v·wᵀ − w·vᵀ, w = p − (v·p / v²)·v, p = 2·A·v / v².
    private void Reflect(double[] v, double square)
    {
        double[] w = Times(v);
        double share = 2 * VectorSet.Dot(v, w) / (square * square);
        for (int i = 0; i < w.Length; i++) w[i] = 2 * w[i] / square - share * v[i];
        for (int i = 0; i < v.Length; i++)
        {
            AddScaled(_rows[i], w, -v[i]);
            AddScaled(_rows[i], v, -w[i]);
        }
    }

    // The leading part, of the size of the vector, times the vector.
    private double[] Times(double[] vector)
    {
        double[] result = new double[vector.Length];
        for (int i = 0; i < vector.Length; i++)
        {
            double[] row = _rows[i];
            double sum = row[i] * vector[i];
            for (int j = 0; j < i; j++)
            {
                sum += row[j] * vector[j];
                result[j] += row[j] * vector[i];
            }
            result[i] += sum;
        }
        return result;
    }

    private static void AddScaled(double[] to, double[] x, double factor)
    {
        for (int j = 0; j < to.Length; j++) to[j] += factor * x[j];
    }
}
