using System.Text;
using Craton.Tensors;

namespace Craton.Evaluation.Tests;

public sealed class ByteNgramBaselineTests
{
    private const double U = 1.0 / ByteNgramBaseline.Symbols;

    [Fact]
    public void DiscountsComeFromTheCountsOfCounts()
    {
        // Counts: a 1, end 1, b 2, c 3, d 4. So 2, 1, 1, 1 symbols occur 1, 2, 3, 4 times: y = 2 / 4, the discounts are
        // 1 - 2 y 1/2 = 0.5, 2 - 3 y 1 = 0.5, 3 - 4 y 1 = 1, and 2 * 0.5 + 0.5 + 2 * 1 = 3.5 of 11 are freed.
        ByteNgramBaseline model = ByteNgramBaseline.Train(["abbcccdddd"], order: 1);
        Assert.Equal((1 - 0.5 + 3.5 * U) / 11, model.Probability([], 'a'), 14);
        Assert.Equal((2 - 0.5 + 3.5 * U) / 11, model.Probability([], 'b'), 14);
        Assert.Equal((3 - 1 + 3.5 * U) / 11, model.Probability([], 'c'), 14);
        Assert.Equal((4 - 1 + 3.5 * U) / 11, model.Probability([], 'd'), 14);
        Assert.Equal((1 - 0.5 + 3.5 * U) / 11, model.Probability([], ByteNgramBaseline.End), 14);
        Assert.Equal(3.5 * U / 11, model.Probability([], 'z'), 14);
    }

    [Fact]
    public void LowerOrdersCountLeftNeighbours()
    {
        // Bigrams: (start a) 2, ab, ac, b-end, c-end 1 each. Left neighbours: a 1, b 1, c 1, end 2; of 5, 3 * 0.5 + 1 are freed.
        ByteNgramBaseline model = ByteNgramBaseline.Train(["ab", "ac"], order: 2);
        double once = (1 - 0.5 + 2.5 * U) / 5, end = (2 - 1 + 2.5 * U) / 5, never = 2.5 * U / 5;
        Assert.Equal((2 - 1 + 1 * once) / 2, model.Probability([], 'a'), 14);
        Assert.Equal((1 - 0.5 + 1 * once) / 2, model.Probability("a"u8, 'b'), 14);
        Assert.Equal((0 + 1 * end) / 2, model.Probability("a"u8, ByteNgramBaseline.End), 14);
        Assert.Equal((1 - 0.5 + 0.5 * end) / 1, model.Probability("xb"u8, ByteNgramBaseline.End), 14);
        Assert.Equal(never, model.Probability("z"u8, 'z'), 14);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(7)]
    public void ProbabilitiesSumToOneInAnyContext(int order)
    {
        var random = new Random(order);
        ByteNgramBaseline model = ByteNgramBaseline.Train(Texts(random, 60), order);
        for (int i = 0; i < 300; i++)
        {
            byte[] context = i % 2 == 0 ? Encoding.UTF8.GetBytes(Texts(random, 1)[0]) : new byte[random.Next(12)];
            if (i % 2 == 0) context = context[..random.Next(context.Length + 1)];
            else random.NextBytes(context);
            double sum = 0;
            for (int symbol = 0; symbol < ByteNgramBaseline.Symbols; symbol++)
            {
                double p = model.Probability(context, symbol);
                Assert.InRange(p, double.Epsilon, 1);
                sum += p;
            }
            Assert.Equal(1, sum, 12);
        }
    }

    [Fact]
    public void MeasureIsTheSumOverSymbolsAndEnds()
    {
        List<string> texts = Texts(new Random(3), 40);
        ByteNgramBaseline model = ByteNgramBaseline.Train(texts[..30]);
        double bits = 0;
        long bytes = 0;
        foreach (string text in texts[30..])
        {
            byte[] document = Encoding.UTF8.GetBytes(text);
            bytes += document.Length;
            for (int i = 0; i <= document.Length; i++)
                bits -= Math.Log2(model.Probability(document.AsSpan(0, i), i < document.Length ? document[i] : ByteNgramBaseline.End));
        }
        BitsPerByte measured = model.Measure(texts[30..]);
        Assert.Equal(bytes, measured.Bytes);
        Assert.Equal(bits, measured.Bits, bits * 1e-12);
    }

    [Fact]
    public void NeitherOrderOfTheTrainingDocumentsNorTheRunChangesABit()
    {
        List<string> texts = Texts(new Random(4), 80);
        double bits = ByteNgramBaseline.Train(texts[..60]).Measure(texts[60..]).Bits;
        Assert.Equal(bits, ByteNgramBaseline.Train(texts[..60]).Measure(texts[60..]).Bits);
        Assert.Equal(bits, ByteNgramBaseline.Train(texts[..60].AsEnumerable().Reverse()).Measure(texts[60..]).Bits);
    }

    [Fact]
    public void ContextsStayInTheirDocument()
    {
        ByteNgramBaseline model = ByteNgramBaseline.Train(Texts(new Random(5), 60));
        double apart = model.Measure(["the cat"]).Bits + model.Measure(["a dog sat"]).Bits;
        Assert.Equal(apart, model.Measure(["the cat", "a dog sat"]).Bits, 10);
    }

    [Fact]
    public void LongerContextsPredictRegularTextBetter()
    {
        List<string> texts = Texts(new Random(6), 400);
        double[] values = [.. new[] { 1, 2, 3 }.Select(order => ByteNgramBaseline.Train(texts[..380], order).Measure(texts[380..]).Value)];
        Assert.Equal(values.OrderDescending(), values);
        Assert.True(values[2] < 0.5 * values[0], string.Join(' ', values));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    public void RefusesOrdersOutOfRange(int order) =>
        Assert.Contains($"got {order}", Assert.Throws<CratonException>(() => ByteNgramBaseline.Train(["a"], order)).Message, StringComparison.Ordinal);

    [Fact]
    public void WithoutTrainingTextAllSymbolsAreAlikeAndWithoutTextThereIsNoMeasure()
    {
        ByteNgramBaseline model = ByteNgramBaseline.Train([]);
        Assert.Equal(U, model.Probability("ab"u8, 'c'));
        Assert.Equal(2 * Math.Log2(ByteNgramBaseline.Symbols), model.Measure(["a"]).Bits, 12);
        Assert.Throws<CratonException>(() => model.Measure([""]));
    }

    /// <summary>Sentences of few words, some beyond ASCII.</summary>
    private static List<string> Texts(Random random, int count)
    {
        string[] words = ["the", "cat", "dog", "sat", "on", "a", "mat", "straße", "日本", "runs", "and", "sleeps"];
        return [.. Enumerable.Range(0, count).Select(_ => string.Join(' ', Enumerable.Range(0, random.Next(1, 20)).Select(_ => words[random.Next(words.Length)])))];
    }
}
