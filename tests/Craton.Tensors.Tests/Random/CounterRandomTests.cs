using Craton.Tensors.Threading;

namespace Craton.Tensors.Tests;

[Collection("worker pool")]
public sealed class CounterRandomTests
{
    [Theory]
    [InlineData(0u, -6.337957754553789)]
    [InlineData(1u, -6.166429517819749)]
    [InlineData(12345u, -4.535422762090429)]
    [InlineData(322122547u, -1.4395314704450153)] // about where the tail begins
    [InlineData(322122548u, -1.4395314688002132)]
    [InlineData(2147483648u, 2.9180993729166234e-10)]
    [InlineData(4026531840u, 1.5341205452991358)]
    [InlineData(4294967295u, 6.337957754553789)]
    public void The_normal_quantile_is_that_of_the_literature(uint bits, double expected)
        => AssertNear(expected, NormalQuantile.FromBits(bits), 1e-14 * Math.Abs(expected));

    [Fact]
    public void The_logarithm_is_right_to_the_last_places()
    {
        for (double x = 1e-10; x < 10; x *= 1.0137)
            AssertNear(Math.Log(x), NormalQuantile.Log(x), 4e-16 * Math.Max(1, Math.Abs(Math.Log(x))));
    }

    [Fact]
    public void The_normal_quantile_rises_and_is_odd()
    {
        double last = double.NegativeInfinity;
        for (long bits = 0; bits <= uint.MaxValue; bits += 65_537)
        {
            double value = NormalQuantile.FromBits((uint)bits);
            Assert.True(value > last);
            AssertNear(-value, NormalQuantile.FromBits(uint.MaxValue - (uint)bits), 1e-13);
            last = value;
        }
    }

    [Fact]
    public void Values_are_the_same_on_every_machine()
    {
        // Hashes of a thousand numbers of each kind, computed by an independent implementation in another language.
        var random = new CounterRandom(seed: 42, step: 7, place: CounterRandom.PlaceOf("layers.0.dropout"));
        var uniform = new float[1000];
        var normal = new float[1000];
        random.FillUniform(uniform);
        random.FillNormal(normal, 0.5f, 0.02f);
        var order = new int[1000];
        random.Permute(order);
        Assert.Equal("FA379D0FF9A970F5", Hash(uniform.Select(BitConverter.SingleToInt32Bits)));
        Assert.Equal("C7E25128EA6CE0E8", Hash(normal.Select(BitConverter.SingleToInt32Bits)));
        Assert.Equal("739FA694F0F79FB6", Hash(Enumerable.Range(0, 1000).Select(i => random.NextInt(i, 1_500_000_000))));
        Assert.Equal("ED5AA7F9CF60F440", Hash(order));
    }

    private static void AssertNear(double expected, double actual, double tolerance)
        => Assert.InRange(actual, expected - tolerance, expected + tolerance);

    private static string Hash(IEnumerable<int> values)
        => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData([.. values.SelectMany(BitConverter.GetBytes)]))[..16];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Filling_gives_every_element_its_own_value(int threads)
    {
        WorkerPool.SetThreads(threads);
        var random = new CounterRandom(1, 2, 3);
        foreach (long first in new[] { 0L, 1, 6, (1L << 40) + 3 })
            foreach (int length in new[] { 0, 1, 2, 5, 16_383, 16_384, 16_385, 100_003 })
            {
                var uniform = new float[length];
                var normal = new float[length];
                var mask = new byte[length];
                random.FillUniform(uniform, first: first);
                random.FillNormal(normal, first: first);
                random.FillBernoulli<byte>(mask, 0.3, 1, 0, first);
                for (int i = 0; i < length; i++)
                {
                    Assert.Equal(random.Uniform(first + i), uniform[i]);
                    Assert.Equal(random.Normal(first + i), normal[i]);
                    Assert.Equal(random.Bernoulli(first + i, 0.3), mask[i] == 1);
                }
            }
    }

    [Fact]
    public void Distributions_have_their_moments()
    {
        WorkerPool.SetThreads(2);
        const int N = 1_000_000;
        var random = new CounterRandom(99);
        var values = new float[N];
        random.FillUniform(values, -1, 3);
        Assert.All(values, value => Assert.InRange(value, -1, 3));
        AssertNear(1, values.Average(v => (double)v), 0.01);
        random.FillNormal(values, 2, 3);
        double mean = values.Average(v => (double)v);
        AssertNear(2, mean, 0.015);
        AssertNear(9, values.Average(v => (v - mean) * (v - mean)), 0.06);
        AssertNear(3 * 81, values.Average(v => Math.Pow(v - mean, 4)), 6);
        random.FillBernoulli(values, 0.9, 1 / 0.9f, 0);
        AssertNear(1, values.Average(v => (double)v), 0.002);
    }

    [Fact]
    public void Probabilities_of_zero_and_one_are_certain()
    {
        var random = new CounterRandom(5);
        Assert.All(Enumerable.Range(0, 10_000), i => Assert.False(random.Bernoulli(i, 0)));
        Assert.All(Enumerable.Range(0, 10_000), i => Assert.True(random.Bernoulli(i, 1)));
        _ = Assert.Throws<ArgumentOutOfRangeException>(() => random.Bernoulli(0, double.NaN));
    }

    [Fact]
    public void Integers_are_equally_likely()
    {
        var random = new CounterRandom(6);
        var counts = new int[7];
        for (int i = 0; i < 70_000; i++)
            counts[random.NextInt(i, 7)]++;
        double chiSquare = counts.Sum(count => (count - 10_000.0) * (count - 10_000.0) / 10_000);
        Assert.InRange(chiSquare, 0.1, 25); // 6 degrees of freedom: beyond with probability 0.0003
        // A bound that rejects nearly a third of all words.
        int below = Enumerable.Range(0, 60_000).Count(i => random.NextInt(i, 1_431_655_766 + (1 << 29)) < 980_000_000);
        AssertNear(60_000 * 980_000_000.0 / (1_431_655_766.0 + (1 << 29)), below, 600);
        _ = Assert.Throws<ArgumentOutOfRangeException>(() => random.NextInt(0, 0));
    }

    [Fact]
    public void Permutations_hold_every_number_once_and_all_orders_occur()
    {
        var order = new int[1000];
        new CounterRandom(8).Permute(order);
        Assert.Equal(Enumerable.Range(0, 1000), order.Order());
        var seen = new Dictionary<string, int>();
        var small = new int[4];
        for (uint step = 0; step < 24_000; step++)
        {
            new CounterRandom(8, step).Permute(small);
            string text = string.Join(",", small);
            seen[text] = seen.GetValueOrDefault(text) + 1;
        }
        Assert.Equal(24, seen.Count);
        Assert.All(seen.Values, count => Assert.InRange(count, 850, 1150));
    }

    [Fact]
    public void Seed_step_and_place_each_change_the_values()
    {
        var keys = new[] { new CounterRandom(1), new CounterRandom(1UL << 40), new CounterRandom(1, 1), new CounterRandom(1, 0, 1), new CounterRandom(2) };
        Assert.Equal(keys.Length, keys.Select(key => (key.Bits(0), key.Bits(1), key.Bits(2))).Distinct().Count());
    }
}
