namespace Craton.Tensors.Quantization;

/// <summary>
/// Chooses scales and integers for the K types. The format does not say how: here every sub-block is fitted by least squares, weighted so that
/// large values count more, from several starting scales; the best one is kept. All sums run in order, so the bytes are the same everywhere.
/// </summary>
internal static class KQuantizer
{
    private const float Least = 1e-15f; // below this a sub-block counts as zero

    public static void QuantizeQ4(ReadOnlySpan<float> x, Span<byte> block)
    {
        Span<byte> q = stackalloc byte[256];
        FitWithMinima(x, 15, block, q);
        Span<byte> quants = block[16..];
        for (int i = 0; i < 128; i++) quants[i] = (byte)(q[i / 32 * 64 + i % 32] | q[i / 32 * 64 + i % 32 + 32] << 4);
    }

    public static void QuantizeQ5(ReadOnlySpan<float> x, Span<byte> block)
    {
        Span<byte> q = stackalloc byte[256];
        FitWithMinima(x, 31, block, q);
        Span<byte> high = block.Slice(16, 32), quants = block[48..];
        high.Clear();
        for (int i = 0; i < 128; i++) quants[i] = (byte)((q[i / 32 * 64 + i % 32] & 15) | (q[i / 32 * 64 + i % 32 + 32] & 15) << 4);
        for (int i = 0; i < 256; i++) high[i % 32] |= (byte)(q[i] >> 4 << (i / 32));
    }

    public static void QuantizeQ6(ReadOnlySpan<float> x, Span<byte> block)
    {
        Span<float> scales = stackalloc float[16];
        float largest = 0;
        for (int group = 0; group < 16; group++)
        {
            scales[group] = FitSymmetric(x.Slice(16 * group, 16), 32);
            if (MathF.Abs(scales[group]) > MathF.Abs(largest)) largest = scales[group];
        }
        block.Clear();
        // A block that half precision cannot scale stays zero.
        float inverse = -128 / largest, d = (float)(Half)(1 / inverse);
        if (MathF.Abs(largest) < Least || d == 0) return;
        Blocks.PutHalf(block, 208, d);
        for (int group = 0; group < 16; group++)
        {
            int scale = Math.Min(127, Nearest(inverse * scales[group]));
            block[192 + group] = (byte)(sbyte)scale;
            float step = d * scale;
            for (int i = 16 * group; i < 16 * group + 16; i++) PutSix(block, i, step == 0 ? 32 : Math.Clamp(Nearest(x[i] / step), -32, 31) + 32);
        }
    }

    // Scales and minima of eight sub-blocks of 32, then the integers that fit the rounded ones.
    private static void FitWithMinima(ReadOnlySpan<float> x, int most, Span<byte> block, Span<byte> q)
    {
        Span<float> scales = stackalloc float[8], minima = stackalloc float[8];
        float largestScale = 0, largestMin = 0;
        for (int group = 0; group < 8; group++)
        {
            (scales[group], minima[group]) = FitLine(x.Slice(32 * group, 32), most);
            largestScale = MathF.Max(largestScale, scales[group]);
            largestMin = MathF.Max(largestMin, minima[group]);
        }
        Blocks.PutHalf(block, 0, largestScale / 63);
        Blocks.PutHalf(block, 2, largestMin / 63);
        float d = Blocks.Half(block, 0), min = Blocks.Half(block, 2);
        Span<byte> packed = block.Slice(4, 12);
        packed.Clear();
        float perScale = largestScale > 0 ? 63 / largestScale : 0, perMin = largestMin > 0 ? 63 / largestMin : 0;
        for (int group = 0; group < 8; group++)
        {
            int scale = Math.Min(63, Nearest(perScale * scales[group])), least = Math.Min(63, Nearest(perMin * minima[group]));
            BlocksK.PutScaleAndMin(packed, group, scale, least);
            float step = d * scale, offset = min * least;
            for (int i = 32 * group; i < 32 * group + 32; i++) q[i] = step == 0 ? (byte)0 : (byte)Math.Clamp(Nearest((x[i] + offset) / step), 0, most);
        }
    }

    // x ≈ scale · q − min with q from 0 to most, scale and min not negative.
    private static (float Scale, float Min) FitLine(ReadOnlySpan<float> x, int most)
    {
        Span<float> weights = stackalloc float[32];
        Span<int> q = stackalloc int[32];
        float squares = 0, low = 0, high = x[0];
        foreach (float value in x)
        {
            squares += value * value;
            low = MathF.Min(low, value);
            high = MathF.Max(high, value);
        }
        if (!(high > low)) return (0, -low);
        float mean = MathF.Sqrt(squares / 32), sumW = 0, sumX = 0;
        for (int i = 0; i < 32; i++)
        {
            weights[i] = mean + MathF.Abs(x[i]);
            sumW += weights[i];
            sumX += weights[i] * x[i];
        }
        (float scale, float offset) = ((high - low) / most, low);
        float best = float.PositiveInfinity;
        for (int trial = -1; trial <= 20; trial++)
        {
            // The first trial spans the range exactly; the others are a little narrower or wider, and solved for scale and offset.
            float steps = trial < 0 ? most : most - 1 + 0.1f * trial, inverse = steps / (high - low);
            float sumQ = 0, sumQQ = 0, sumXQ = 0;
            for (int i = 0; i < 32; i++)
            {
                q[i] = Math.Clamp(Nearest(inverse * (x[i] - low)), 0, most);
                sumQ += weights[i] * q[i];
                sumQQ += weights[i] * q[i] * q[i];
                sumXQ += weights[i] * q[i] * x[i];
            }
            (float s, float o) = (1 / inverse, low);
            if (trial >= 0)
            {
                float determinant = sumW * sumQQ - sumQ * sumQ;
                if (!(determinant > 0)) continue;
                (s, o) = ((sumW * sumXQ - sumX * sumQ) / determinant, (sumQQ * sumX - sumQ * sumXQ) / determinant);
                if (o > 0) (s, o) = (sumXQ / sumQQ, 0);
            }
            float error = 0;
            for (int i = 0; i < 32; i++)
            {
                float difference = s * q[i] + o - x[i];
                error += weights[i] * (difference * difference);
            }
            if (error < best && s >= 0) (best, scale, offset) = (error, s, o);
        }
        return (scale, -offset);
    }

    // x ≈ scale · q with q from −most to most − 1.
    private static float FitSymmetric(ReadOnlySpan<float> x, int most)
    {
        float extreme = 0;
        foreach (float value in x)
            if (MathF.Abs(value) > MathF.Abs(extreme)) extreme = value;
        if (MathF.Abs(extreme) < Least) return 0;
        float best = 0, scale = 0;
        for (int trial = -9; trial <= 9; trial++)
        {
            float inverse = -(most + 0.1f * trial) / extreme, sumXQ = 0, sumQQ = 0;
            foreach (float value in x)
            {
                int q = Math.Clamp(Nearest(inverse * value), -most, most - 1);
                float weight = value * value;
                sumXQ += weight * value * q;
                sumQQ += weight * q * q;
            }
            // The squared error falls by sumXQ²/sumQQ.
            if (sumQQ > 0 && sumXQ * sumXQ > best * sumQQ) (best, scale) = (sumXQ * sumXQ / sumQQ, sumXQ / sumQQ);
        }
        return scale != 0 ? scale : extreme / -most; // squares that underflow choose nothing
    }

    /// <summary>Adds value i, 0 to 63, to a Q6_K block that is zero there: the inverse of <see cref="BlocksK.Six"/>.</summary>
    public static void PutSix(Span<byte> block, int i, int q)
    {
        int half = i / 128, l = i % 128;
        block[half * 64 + l % 64] |= (byte)((q & 15) << (l / 64 * 4));
        block[128 + half * 32 + l % 32] |= (byte)(q >> 4 << (l / 32 * 2));
    }

    // Saturates: a quotient beyond all integers is clamped by the caller.
    private static int Nearest(float value) => (int)MathF.Round(value);
}
