using Craton.Tensors.IO;
using Craton.Tensors.Kernels;
using Craton.Tensors.Kernels.Cpu;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors.Tests;

[Collection("worker pool")]
public sealed class AttentionTests
{
    // Two batches, six query heads on two key heads, 75 queries at the end of 139 keys: whole and ragged blocks of both.
    private const int Batch = 2, Heads = 6, Groups = 2, Queries = 75, Keys = 139, Width = 10, Values = 7;

    private static Tensor[] Inputs(DType type) =>
    [
        OpRun.Values(1, type, Batch, Heads, Queries, Width), OpRun.Values(2, type, Batch, Groups, Keys, Width),
        OpRun.Values(3, type, Batch, Groups, Keys, Values),
    ];

    public static TheoryData<string> Limits() => new(s_options.Keys);

    private static readonly Dictionary<string, Func<DType, AttentionOptions>> s_options = new(StringComparer.Ordinal)
    {
        ["none"] = _ => new() { Scale = 0.3 },
        ["causal"] = _ => new() { Causal = true, QueryOffset = Keys - Queries },
        ["causal from the first key"] = _ => new() { Causal = true },
        ["window"] = _ => new() { Causal = true, QueryOffset = Keys - Queries, Window = 70 },
        ["window on both sides"] = _ => new() { Window = 40, WindowAfter = 20, QueryOffset = 7 },
        ["narrow window"] = _ => new() { Causal = true, QueryOffset = 3, Window = 1 },
        ["soft cap"] = _ => new() { Causal = true, QueryOffset = 64, SoftCap = 0.7 },
        ["linear biases"] = type => new() { Causal = true, QueryOffset = 20, AlibiSlopes = OpRun.Values(4, type, Heads) },
        ["bias"] = type => new() { Bias = OpRun.Values(5, type, Heads, 1, Keys) },
        ["mask"] = _ => new() { Mask = Random(6, Batch, 1, Queries, Keys) },
        ["padding"] = _ => new() { KeyPadding = Random(7, Batch, Keys), Causal = true, QueryOffset = 0 },
        ["documents"] = _ => new() { Causal = true, QueryOffset = Keys - Queries, DocumentIds = Documents(i => i / 29) },
        ["scattered documents"] = _ => new() { QueryOffset = 1, DocumentIds = Documents(i => i * i % 5) },
        ["everything"] = type => new()
        {
            Causal = true,
            QueryOffset = 40,
            Window = 50,
            SoftCap = 2,
            AlibiSlopes = OpRun.Values(4, type, Heads),
            Bias = OpRun.Values(5, type, 1, Keys),
            Mask = Random(6, Queries, Keys),
            KeyPadding = Random(7, Batch, Keys),
            DocumentIds = Documents(i => i / 50),
        },
    };

    private static Tensor Random(int seed, params int[] shape)
    {
        var random = new Random(seed);
        return Tensor.From(Enumerable.Range(0, shape.Aggregate(1, (a, b) => a * b)).Select(_ => random.Next(4) > 0).ToArray(), shape);
    }

    private static Tensor Documents(Func<int, int> id) => Tensor.From(Enumerable.Range(0, Batch * Keys).Select(i => (long)id(i % Keys)).ToArray(), Batch, Keys);

    [Theory]
    [MemberData(nameof(Limits))]
    public void Equals_its_composition(string limits) => OpRun.SameAs(
        t => Ops.Attention(t[0], t[1], t[2], s_options[limits](t[0].DType)), t => Ops.AttentionComposed(t[0], t[1], t[2], s_options[limits](t[0].DType)), Inputs);

    [Fact]
    public void Reads_and_differentiates_views()
    {
        // All of one projection [B, T, 3·H·D], as models have it; and values with a gap between their elements.
        Tensor[] Parts(Tensor t)
        {
            Tensor heads = t.View(2, 70, 3, 2, 5);
            return [.. Enumerable.Range(0, 3).Select(i => heads.Slice(2, i, i + 1).View(2, 70, 2, 5).Permute(0, 2, 1, 3))];
        }

        var options = new AttentionOptions { Causal = true };
        OpRun.SameAs(
            t => Ops.Attention(Parts(t[0])[0], Parts(t[0])[1], Parts(t[0])[2], options),
            t => Ops.AttentionComposed(Parts(t[0])[0], Parts(t[0])[1], Parts(t[0])[2], options), type => [OpRun.Values(1, type, 2, 70, 30)]);
        OpRun.SameAs(
            t => Ops.Attention(t[0].Transpose(), t[0].Transpose(), t[1].Slice(3, 0, 9, 2), options),
            t => Ops.AttentionComposed(t[0].Transpose(), t[0].Transpose(), t[1].Slice(3, 0, 9, 2), options),
            type => [OpRun.Values(1, type, 1, 2, 3, 70), OpRun.Values(2, type, 1, 2, 70, 9)]);
    }

    [Fact]
    public void One_tensor_may_be_queries_keys_and_values() => OpRun.SameAs(
        t => Ops.Attention(t[0], t[0], t[0], default), t => Ops.AttentionComposed(t[0], t[0], t[0], default), type => [OpRun.Values(1, type, 1, 2, 66, 4)]);

    [Fact]
    public void Gradients_agree_with_differences()
    {
        AttentionOptions Options(Tensor bias) => new() { Causal = true, QueryOffset = 1, SoftCap = 1.5, Bias = bias };
        OpRun.Differentiates(t => Ops.Attention(t[0], t[1], t[2], Options(t[3])), type =>
        [
            OpRun.Values(1, type, 1, 4, 3, 2), OpRun.Values(2, type, 1, 2, 4, 2), OpRun.Values(3, type, 1, 2, 4, 3), OpRun.Values(4, type, 4, 1, 4),
        ]);
    }

    [Fact]
    public void A_learned_bias_gets_the_gradient_of_its_composition() => OpRun.SameAs(
        t => Ops.Attention(t[0], t[1], t[2], new() { Bias = t[3] }), t => Ops.AttentionComposed(t[0], t[1], t[2], new() { Bias = t[3] }),
        type => [.. Inputs(type), OpRun.Values(4, type, Heads, Queries, 1)]);

    [Fact]
    public void A_query_that_sees_nothing_gives_zeros()
    {
        var nothing = new AttentionOptions { KeyPadding = Tensor.Zeros(DType.Bool, Batch, Keys) };
        foreach (DType type in new[] { DType.F32, DType.F64 })
            Assert.All(OpRun.Evaluate(t => Ops.Attention(t[0], t[1], t[2], nothing), Inputs(type)).SelectMany(r => r), value => Assert.Equal(0, value));
    }

    [Fact]
    public void Nothing_in_gives_nothing_or_zeros_out()
    {
        Tensor none = Tensor.Empty(DType.F32, 1, 2, 0, 4), some = OpRun.Values(1, DType.F32, 1, 2, 3, 4);
        Assert.Equal(0, Ops.Attention(none, some, some, default).Count);
        Assert.All(Ops.Attention(some, none, none, default).ToArray<float>(), value => Assert.Equal(0, value));
    }

    [Theory]
    [InlineData(300, 64, 2, null, null)]
    [InlineData(131, 10, 1, null, 1.5)]
    [InlineData(300, 16, 2, 40, null)]
    [InlineData(300, 72, 4, 100, 2.0)]
    [InlineData(300, 96, 5, null, null)]
    public void A_query_gets_the_same_bits_alone_and_among_others(int length, int width, int shared, int? window, double? cap)
    {
        int heads = 2 * shared;
        Tensor q = OpRun.Values(1, DType.F32, 1, heads, length, width), k = OpRun.Values(2, DType.F32, 1, 2, length, width), v = OpRun.Values(3, DType.F32, 1, 2, length, width);
        float[] together = Ops.Attention(q, k, v, new AttentionOptions { Causal = true, Window = window, SoftCap = cap }).Contiguous().ToArray<float>();
        foreach (int count in new[] { 1, 3, 17 })
            foreach (int first in (int[])[0, 1, 37, 63, 64, 100, 127, 128, 255, 256, length - count])
            {
                // The keys that exist by then, in a longer cache.
                int seen = first + count;
                if (seen > length) continue;
                Tensor part = Ops.Attention(
                    q.Slice(2, first, seen), k.Slice(2, 0, seen), v.Slice(2, 0, seen), new AttentionOptions { Causal = true, Window = window, SoftCap = cap, QueryOffset = first });
                float[] got = part.Contiguous().ToArray<float>();
                for (int h = 0; h < heads; h++)
                    Assert.True(
                        together.AsSpan((h * length + first) * width, count * width).SequenceEqual(got.AsSpan(h * count * width, count * width)),
                        $"queries {first} to {seen} of head {h} differ");
            }
    }

    [Fact]
    public void Bits_depend_neither_on_threads_nor_on_registers()
    {
        AttentionOptions options = s_options["everything"](DType.F32);
        Tensor[] inputs = Inputs(DType.F32);
        OpRun.SameBitsForAnyThreads(t => Ops.Attention(t[0], t[1], t[2], options), inputs);
        Assert.Equal("299e55c4e863b7bc", OpRun.Hash(OpRun.Evaluate(t => Ops.Attention(t[0], t[1], t[2], options), inputs)));
    }

    [Fact]
    public void Every_register_width_gives_the_same_bits()
    {
        string[] hashes = [Hash<Vec512>(), Hash<Vec256>(), Hash<Vec128>(), Hash<Scalar32>()];
        Assert.Single(hashes.Distinct());
        string[] steps = [Step<Vec512>(), Step<Vec256>(), Step<Vec128>(), Step<Scalar32>()];
        Assert.Single(steps.Distinct());
    }

    /// <summary>Tiles have other rows at other widths: every rest that a block can leave, for queries and for keys.</summary>
    [Fact]
    public void Blocks_of_any_size_give_the_same_bits_at_every_register_width()
    {
        for (int length = 1; length <= 66; length++)
            Assert.True(new[] { Block<Vec512>(length), Block<Vec256>(length), Block<Vec128>(length), Block<Scalar32>(length) }.Distinct().Count() == 1, $"{length} queries");
    }

    private static string Block<V>(int length) where V : struct, IVec<V>
    {
        int keys = 67 - length / 2;
        Tensor q = OpRun.Values(1, DType.F32, 1, 2, length, 5), k = OpRun.Values(2, DType.F32, 1, 1, keys, 5), v = OpRun.Values(3, DType.F32, 1, 1, keys, 3);
        Tensor y = Tensor.Zeros(DType.F32, 1, 2, length, 3), logSums = Tensor.Zeros(DType.F32, 1, 2, length);
        Tensor[] gradients = [.. new[] { q, k, v }.Select(input => Tensor.Zeros(DType.F32, input.Shape))];
        var call = new AttentionCall(q, k, v, 0.4, 0, Causal: true, Offset: 3, Window: 20, WindowAfter: -1, null, null, null, null);
        CpuKernels.Attention<V>(call, y, logSums);
        CpuKernels.AttentionBackward<V>(
            call, y, logSums, OpRun.Values(9, DType.F32, 1, 2, length, 3),
            new AttentionGradients(new GradTarget(gradients[0], false), new GradTarget(gradients[1], false), new GradTarget(gradients[2], false), null));
        return OpRun.Hash([OpRun.Numbers(y), OpRun.Numbers(logSums), .. gradients.Select(OpRun.Numbers)]);
    }

    // A decoding step.
    private static string Step<V>() where V : struct, IVec<V>
    {
        Tensor q = OpRun.Values(1, DType.F32, 2, 6, 1, 72), k = OpRun.Values(2, DType.F32, 2, 3, 150, 72), v = OpRun.Values(3, DType.F32, 2, 3, 150, 40), y = Tensor.Zeros(DType.F32, 2, 6, 1, 40);
        var call = new AttentionCall(q, k, v, 0.4, 1.5, Causal: true, Offset: 148, Window: 130, WindowAfter: -1, null, null, null, null);
        CpuKernels.Attention<V>(call, y, logSums: null);
        return OpRun.Hash([OpRun.Numbers(y)]);
    }

    private static string Hash<V>() where V : struct, IVec<V>
    {
        Tensor[] t = Inputs(DType.F32);
        Tensor y = Tensor.Zeros(DType.F32, Batch, Heads, Queries, Values), logSums = Tensor.Zeros(DType.F32, Batch, Heads, Queries);
        Tensor[] gradients = [.. t.Select(input => Tensor.Zeros(DType.F32, input.Shape))];
        var call = new AttentionCall(
            t[0], t[1], t[2], 0.4, 1.5, Causal: true, Offset: 30, Window: 90, WindowAfter: -1, null, OpRun.Values(4, DType.F32, Heads), OpRun.Values(5, DType.F32, Keys),
            Random(7, Batch, Keys));
        CpuKernels.Attention<V>(call, y, logSums);
        CpuKernels.AttentionBackward<V>(call, y, logSums, OpRun.Values(9, DType.F32, Batch, Heads, Queries, Values), new AttentionGradients(
            new GradTarget(gradients[0], false), new GradTarget(gradients[1], false), new GradTarget(gradients[2], true), null));
        return OpRun.Hash([OpRun.Numbers(y), OpRun.Numbers(logSums), .. gradients.Select(OpRun.Numbers)]);
    }

    [Theory]
    [InlineData(DType.F16)]
    [InlineData(DType.BF16)]
    public void Keys_and_values_of_16_bits_give_the_bits_of_the_numbers_they_hold(DType type)
    {
        foreach (int queries in new[] { 1, 20 })
        {
            string expected = Stored<Vec256>(queries, x => Ops.Cast(Ops.Cast(x, type), DType.F32));
            Assert.NotEqual(expected, Stored<Vec256>(queries, x => x));
            Assert.All(
                new[] { Stored<Vec512>(queries, Narrow), Stored<Vec256>(queries, Narrow), Stored<Vec128>(queries, Narrow), Stored<Scalar32>(queries, Narrow) }, got => Assert.Equal(expected, got));
        }

        Tensor Narrow(Tensor x) => Ops.Cast(x, type);
    }

    // Values so small that F16 has them without their full digits.
    private static string Stored<V>(int queries, Func<Tensor, Tensor> store) where V : struct, IVec<V>
    {
        Tensor q = OpRun.Values(1, DType.F32, 1, 4, queries, 21), k = OpRun.Values(2, DType.F32, 1, 2, 150, 21), v = OpRun.Values(3, DType.F32, 1, 2, 150, 37) * 1e-5, y = Tensor.Zeros(DType.F32, 1, 4, queries, 37);
        var call = new AttentionCall(q, store(k), store(v), 0.4, 0, Causal: true, Offset: 150 - queries, Window: 0, WindowAfter: -1, null, null, null, null);
        CpuKernels.Attention<V>(call, y, logSums: null);
        Tensor gaps = Tensor.Zeros(DType.F32, 1, 4, queries, 19); // of values whose elements are no neighbours
        CpuKernels.Attention<V>(call with { V = call.V.Slice(3, 0, 37, 2) }, gaps, logSums: null);
        return OpRun.Hash([OpRun.Numbers(y), OpRun.Numbers(gaps)]);
    }

    [Theory]
    [InlineData(DType.F16)]
    [InlineData(DType.BF16)]
    public void Every_number_of_16_bits_is_read(DType type)
    {
        Read<Vec512>();
        Read<Vec256>();
        Read<Vec128>();
        Read<Scalar32>();

        unsafe void Read<V>() where V : struct, IVec<V>
        {
            const int Count = 1 << 16, Width = 64;
            ushort[] all = [.. Enumerable.Range(0, Count).Select(i => (ushort)i)];
            Tensor numbers = Tensor.Empty(type, 1, 1, Count / Width, Width);
            all.CopyTo(new Span<ushort>(numbers.Pointer, Count));
            float[] expected = new float[Count], got = new float[Count];
            HalfPrecision.Widen(all, expected, type);
            fixed (float* to = got) new HeadMatrices(numbers).Read<V>(0, 0, 0, Count / Width, 1, to, Width);
            for (int i = 0; i < Count; i++)
                Assert.True(float.IsNaN(expected[i]) ? float.IsNaN(got[i]) : BitConverter.SingleToInt32Bits(expected[i]) == BitConverter.SingleToInt32Bits(got[i]), $"{i:x4} is read as {got[i]}");
        }
    }

    [Fact]
    public void Wrong_arguments_are_named()
    {
        Tensor learnt = Tensor.Zeros(DType.F32, 1, 2, 3, 8).RequireGrad(), narrow = Tensor.Zeros(DType.F16, 1, 2, 3, 8);
        using (Tape.Start())
            Assert.Equal("[attention] k: expected F32 where a tape records, got F16; train with keys and values of the queries' type", Message(() => Ops.Attention(learnt, narrow, narrow, default)));
        Assert.Equal("[attention] v: expected F16, got BF16; convert one of them with Cast", Message(() => Ops.Attention(learnt, narrow, Tensor.Zeros(DType.BF16, 1, 2, 3, 8), default)));
        Tensor q = Tensor.Zeros(DType.F32, 1, 4, 3, 8), k = Tensor.Zeros(DType.F32, 1, 3, 5, 8), two = Tensor.Zeros(DType.F32, 1, 2, 5, 8);
        Assert.Equal("[attention] k: expected a number of heads that divides 4, got [1, 3, 5, 8]", Message(() => Ops.Attention(q, k, k, default)));
        Assert.Equal("[attention] mask: expected a shape that broadcasts to the scores [1, 4, 3, 5], got [3, 4]",
            Message(() => Ops.Attention(q, two, two, new() { Mask = Tensor.Zeros(DType.Bool, 3, 4) })));
        Assert.Equal("[attention] query offset: expected at most 2, so that every query has a document, got 3",
            Message(() => Ops.Attention(q, two, two, new() { QueryOffset = 3, DocumentIds = Tensor.Zeros(DType.I32, 1, 5) })));
    }

    private static string Message(Action action) => Assert.Throws<CratonException>(action).Message;
}
