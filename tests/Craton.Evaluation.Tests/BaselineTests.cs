using System.IO.Compression;
using System.Text;
using Craton.Tensors;
using Craton.Tokenizers;

namespace Craton.Evaluation.Tests;

public sealed class BaselineTests
{
    private static readonly Tokenizer s_bytes = ByteTokenizer.Create("<|endoftext|>");

    [Fact]
    public void UnigramIsTheSmoothedFrequency()
    {
        UnigramBaseline model = UnigramBaseline.Train(["aab"], s_bytes); // a 2, b 1, end 1, over 257 tokens
        Assert.Equal(3.0 / 261, model.Probability('a'), 15);
        Assert.Equal(1.0 / 261, model.Probability('z'), 15);
        BitsPerByte measured = model.Measure(["ab"]);
        Assert.Equal(-Math.Log2(3.0 / 261 * 2 / 261 * 2 / 261), measured.Bits, 12);
        Assert.Equal(2, measured.Bytes);
        Assert.Equal(1, Enumerable.Range(0, 257).Sum(model.Probability), 12);
    }

    [Fact]
    public void FirstTokensAreCountedAlone()
    {
        UnigramBaseline model = UnigramBaseline.TrainFirstTokens(["ab", "ac", "", "b"], s_bytes);
        Assert.Equal(3.0 / 261, model.Probability('a'), 15);
        Assert.Equal(2.0 / 261, model.Probability(256), 15);
        Assert.Equal(1.0 / 261, model.Probability('c'), 15);
    }

    [Fact]
    public void UnigramNeedsAnEnd() =>
        Assert.Contains("EosToken", Assert.Throws<CratonException>(() => new UnigramBaseline(ByteTokenizer.Create())).Message, StringComparison.Ordinal);

    [Fact]
    public void BrotliIsTheSizeOfTheWholeStream()
    {
        string[] documents = [.. Enumerable.Range(0, 3000).Select(i => $"Document {i * 7919 % 1000} of the set: größe {i * i % 777}.")];
        BitsPerByte measured = BrotliBaseline.Measure(documents);
        Assert.Equal(documents.Sum(d => (long)Encoding.UTF8.GetByteCount(d)), measured.Bytes);

        byte[] all = [.. documents.SelectMany(d => (byte[])[.. Encoding.UTF8.GetBytes(d), 0xFF])];
        var target = new byte[BrotliEncoder.GetMaxCompressedLength(all.Length)];
        Assert.True(BrotliEncoder.TryCompress(all, target, out int written, quality: 11, window: 24));
        Assert.InRange(measured.Bits, 8.0 * written * 0.97, 8.0 * written * 1.03); // blocks are cut elsewhere when the text comes in parts
        Assert.Equal(measured, BrotliBaseline.Measure(documents));
    }

    [Fact]
    public void BrotliAdaptsAcrossDocuments()
    {
        string text = string.Concat(Enumerable.Range(0, 500).Select(i => $"{i * 7919 % 1009} "));
        Assert.True(BrotliBaseline.Measure([text, text]).Bits < 1.05 * BrotliBaseline.Measure([text]).Bits);
        Assert.Throws<CratonException>(() => BrotliBaseline.Measure([]));
    }

    [Fact]
    public void CodeLengthKeepsTheSumOfLogarithms()
    {
        var random = new Random(1);
        var length = new CodeLength();
        double expected = 0;
        for (int i = 0; i < 100_000; i++)
        {
            double p = Math.Pow(random.NextDouble(), i % 7 == 0 ? 40 : 1) + 1e-200;
            length.Add(p);
            expected -= Math.Log2(p);
        }
        Assert.Equal(expected, length.Bits, expected * 1e-11);
    }

    [Fact]
    public void MajorityIsTheMostFrequentAnswerAndOfEqualOnesTheFirst()
    {
        Assert.Equal("y", MajorityAnswerBaseline.Train([Ask("1", "x"), Ask("2", "y"), Ask("3", "y")]).Answer("?"));
        Assert.Equal("x", MajorityAnswerBaseline.Train([Ask("1", "x"), Ask("2", "y")]).Answer("?"));
        Assert.Throws<CratonException>(() => MajorityAnswerBaseline.Train([]));
    }

    [Fact]
    public void NearestQuestionFindsItselfAndRelatives()
    {
        Question[] questions = [Ask("What does List.Add do?", "adds"), Ask("What does List.Remove do?", "removes"), Ask("What does Stream.Flush do?", "flushes"), Ask("ab", "short")];
        NearestQuestionBaseline model = NearestQuestionBaseline.Train(questions);
        foreach (Question question in questions) Assert.Equal(question.Answers[0], model.Answer(question.Text));
        Assert.Equal("flushes", model.Answer("Explain FLUSH of a stream"));
        Assert.Equal("adds", model.Answer("日本")); // nothing in common with any: the first
    }

    [Fact]
    public void NearestQuestionIsTheCosineOfTfIdf()
    {
        // The same answer as a plain computation over all pairs, for texts that share most of their grams.
        var random = new Random(2);
        string[] texts = [.. Enumerable.Range(0, 60).Select(_ => string.Join(' ', Enumerable.Range(0, 6).Select(_ => "alpha beta gamma delta".Split(' ')[random.Next(4)])))];
        NearestQuestionBaseline model = NearestQuestionBaseline.Train(texts[..50].Select((t, i) => Ask(t, $"{i}")));
        Dictionary<string, double> idf = texts[..50].SelectMany(t => Grams(t).Distinct()).CountBy(g => g).ToDictionary(g => g.Key, g => 1 + Math.Round(256 * Math.Log(51.0 / (1 + g.Value))) / 256);
        foreach (string text in texts[50..])
        {
            double[] cosines = [.. texts[..50].Select(t => Cosine(text, t, idf))];
            Assert.Equal(cosines.Max(), cosines[int.Parse(model.Answer(text), System.Globalization.CultureInfo.InvariantCulture)], 12);
        }
    }

    private static double Cosine(string first, string second, Dictionary<string, double> idf)
    {
        Dictionary<string, double> a = Vector(first, idf), b = Vector(second, idf);
        return a.Sum(x => x.Value * b.GetValueOrDefault(x.Key)) / Math.Sqrt(a.Sum(x => x.Value * x.Value) * b.Sum(x => x.Value * x.Value));
    }

    private static Dictionary<string, double> Vector(string text, Dictionary<string, double> idf) =>
        Grams(text).CountBy(g => g).Where(g => idf.ContainsKey(g.Key)).ToDictionary(g => g.Key, g => g.Value * idf[g.Key]);

    private static IEnumerable<string> Grams(string text) => Enumerable.Range(0, text.Length - 1).Select(i => $" {text} "[i..(i + 4)]);

    private static Question Ask(string question, string answer) => new(question, [answer]);
}
