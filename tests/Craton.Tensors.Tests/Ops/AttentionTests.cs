namespace Craton.Tensors.Tests;

public class AttentionTests
{
    private static readonly AttentionOptions Causal = new() { Causal = true };

    public static TheoryData<int, int, int, int, int, int, int> Shapes => new()
    {
        // batch, heads, groups, queries, keys, width, values
        { 1, 1, 1, 1, 1, 2, 1 },
        { 2, 4, 2, 5, 5, 8, 8 },
        { 1, 2, 1, 70, 300, 16, 12 },
        { 2, 3, 3, 67, 67, 5, 7 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Equals_its_composed_form_in_values_and_gradients(int batch, int heads, int groups, int queries, int keys, int width, int values)
    {
        foreach (DType type in (DType[])[DType.F32, DType.F64])
        {
            foreach (AttentionOptions options in Options(batch, heads, queries, keys))
            {
                Tensor[] inputs = [Random(type, 1, batch, queries, heads, width), Random(type, 2, batch, keys, groups, width), Random(type, 3, batch, keys, groups, values)];
                Tensor weight = Random(type, 4, batch, heads, queries, values);
                (double[] y, double[][] gradients) fused = Run(inputs, weight, (q, k, v) => Ops.Attention(q, k, v, options));
                (double[] y, double[][] gradients) composed = Run(inputs, weight, (q, k, v) => Ops.AttentionComposed(q, k, v, options));
                double tolerance = type == DType.F32 ? 2e-5 : 1e-12;
                Close(composed.y, fused.y, tolerance);
                for (int i = 0; i < 3; i++) Close(composed.gradients[i], fused.gradients[i], tolerance * 10);
            }
        }
    }

    [Fact]
    public void A_query_gives_the_same_bits_alone_and_among_others()
    {
        Tensor q = Random(DType.F32, 1, 1, 300, 2, 16), k = Random(DType.F32, 2, 1, 300, 2, 16), v = Random(DType.F32, 3, 1, 300, 2, 16);
        float[] all = Ops.Attention(Heads(q), Heads(k), Heads(v), Causal).Permute(0, 2, 1, 3).ToArray<float>();
        foreach (int place in (int[])[0, 1, 63, 64, 255, 256, 299])
        {
            float[] alone = Ops.Attention(
                Heads(q.Slice(1, place, place + 1)), Heads(k.Slice(1, 0, place + 1)), Heads(v.Slice(1, 0, place + 1)),
                Causal with { QueryOffset = place }).Permute(0, 2, 1, 3).ToArray<float>();
            Assert.Equal(all.AsSpan(place * 32, 32).ToArray(), alone);
        }
    }

    private static IEnumerable<AttentionOptions> Options(int batch, int heads, int queries, int keys)
    {
        yield return new AttentionOptions();
        yield return Causal with { QueryOffset = keys - queries };
        yield return Causal with { QueryOffset = keys - queries, Window = 3, SoftCap = 1.5 };
        bool[] mask = new bool[batch * keys];
        for (int i = 0; i < mask.Length; i++) mask[i] = i % 3 != 1;
        yield return Causal with { KeyPadding = Tensor.From(mask, batch, keys), QueryOffset = keys - queries };
        int[] documents = new int[batch * keys];
        for (int i = 0; i < documents.Length; i++) documents[i] = i % keys / 4;
        yield return Causal with { DocumentIds = Tensor.From(documents, batch, keys), QueryOffset = keys - queries };
        for (int i = 0; i < documents.Length; i++) documents[i] = i % 2;
        yield return new AttentionOptions { DocumentIds = Tensor.From(documents, batch, keys) };
    }

    private static (double[] Y, double[][] Gradients) Run(Tensor[] inputs, Tensor weight, Func<Tensor, Tensor, Tensor, Tensor> attention)
    {
        foreach (Tensor input in inputs) input.RequireGrad().ClearGrad();
        using Tape tape = Tape.Start();
        Tensor y = attention(Heads(inputs[0]), Heads(inputs[1]), Heads(inputs[2]));
        double[] values = Doubles(y);
        tape.Backward(Ops.Sum(y * weight));
        return (values, [.. inputs.Select(i => Doubles(i.Grad!))]);
    }

    // [B, T, H, D] as [B, H, T, D]
    private static Tensor Heads(Tensor x) => x.Permute(0, 2, 1, 3);

    internal static Tensor Random(DType type, ulong seed, params int[] shape)
    {
        float[] values = new float[shape.Aggregate(1, (a, b) => a * b)];
        new CounterRandom(seed).FillNormal(values);
        return Ops.Cast(Tensor.From(values, shape), type);
    }

    internal static double[] Doubles(Tensor x) => Ops.Cast(Ops.Contiguous(x.Detach()), DType.F64).ToArray<double>();

    internal static void Close(double[] expected, double[] got, double tolerance)
    {
        Assert.Equal(expected.Length, got.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - got[i]) <= tolerance * (1 + Math.Abs(expected[i])), $"element {i}: expected {expected[i]}, got {got[i]}");
    }
}
