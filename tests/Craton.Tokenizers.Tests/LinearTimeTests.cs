using System.Diagnostics;
using System.Text;
using Xunit.Abstractions;

namespace Craton.Tokenizers.Tests;

/// <summary>Tests that measure time run alone.</summary>
[CollectionDefinition("timing", DisableParallelization = true)]
public sealed class TimingCollection;

/// <summary>No text takes more than linear time: twice the length, about twice the time.</summary>
[Collection("timing")]
public sealed class LinearTimeTests(ITestOutputHelper output)
{
    private const int Size = 1 << 18;
    private const double MostRatio = 2.6;

    public static TheoryData<string> Families =>
        ["a", "A", " ", "'", "1", "aB", "'s", " \n", "\n", "\r\n\t", "é", "日", "e\u0301", "中A", "\u0301A", "<|", "<|im_start|", ". ", "😀", "0a ", "1a", "\u00A0 ", "👩\u200D", "/\n", "日.", "continuation", "random"];

    [Theory]
    [MemberData(nameof(Families))]
    public void Twice_the_text_takes_about_twice_the_time(string family)
    {
        foreach (SplitPattern pattern in Enum.GetValues<SplitPattern>())
        {
            BpeTokenizer tokenizer = TestTokenizers.Trained(pattern);
            (byte[] half, byte[] whole) = (Text(family, Size), Text(family, 2 * Size));
            double ratio = double.MaxValue;
            // A busy machine and code that is not yet compiled can spoil a measurement, never the other way round: quadratic time never comes out
            // below 3, so one good pair of medians is proof.
            for (int attempt = 0; attempt < 10 && ratio > MostRatio; attempt++)
                ratio = Time(tokenizer, whole) / Math.Max(Time(tokenizer, half), 0.5);
            output.WriteLine($"{pattern} {family}: {ratio:F2}");
            Assert.True(ratio <= MostRatio, $"{pattern}, \"{family}\": twice the text takes {ratio:F2} times as long");
        }
    }

    /// <summary>Median of five, in milliseconds.</summary>
    private static double Time(BpeTokenizer tokenizer, byte[] text)
    {
        var times = new double[5];
        var ids = new List<int>(text.Length);
        for (int i = 0; i < times.Length; i++)
        {
            ids.Clear();
            long start = Stopwatch.GetTimestamp();
            tokenizer.EncodeUtf8(text, ids, allowSpecial: true);
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        Array.Sort(times);
        return times[2];
    }

    private static byte[] Text(string family, int size)
    {
        var text = new byte[size];
        if (family == "random")
        {
            new Random(3).NextBytes(text);
            return text;
        }

        byte[] unit = family == "continuation" ? [0x80] : Encoding.UTF8.GetBytes(family);
        size -= size % unit.Length;
        for (int i = 0; i < size; i++)
            text[i] = unit[i % unit.Length];
        return text[..size];
    }
}
