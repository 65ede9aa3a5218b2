using System.Text;
using System.Text.RegularExpressions;
using Craton.Tokenizers.Splitting;

namespace Craton.Tokenizers.Tests;

/// <summary>The hand-written scanners against the regular expressions they stand for, run by the framework's engine.</summary>
public sealed class SplitPatternTests
{
    // Pieces that meet every alternative; within the BMP, where the framework's classes are those of code points.
    private static readonly string[] _pieces =
        ["'", "s", "S", "ll", "'Re", "'vE", " ", "  ", "\t", "\n", "\r\n", "\u00A0", "\u2028", "a", "Z", "É", "ß", "ǅ", "ʰ", "日", "ع", "\u0301", "\u20DD",
        "1", "٣", "Ⅷ", "½", ".", "!", "/", "-", "€", "\u0000", "\u200D", "_", "’", "word", "Words", "XML", "letters", "aVeryLongWordWithCapitals", "@[`{"];

    [Theory]
    [InlineData(SplitPattern.Gpt2)]
    [InlineData(SplitPattern.Cl100k)]
    [InlineData(SplitPattern.TiktokenCl100k)]
    [InlineData(SplitPattern.Qwen2)]
    [InlineData(SplitPattern.O200k)]
    public void Scanners_cut_where_their_pattern_does(SplitPattern pattern)
    {
        // Possessive quantifiers are spelt as atomic groups here; "$" must not stop before a final line feed.
        string spelling = Patterns.RegexOf(pattern)
            .Replace(@"[^\r\n\p{L}\p{N}]?+\p{L}++", @"(?>[^\r\n\p{L}\p{N}]?)(?>\p{L}+)", StringComparison.Ordinal)
            .Replace(@"\p{N}{1,3}+", @"(?>\p{N}{1,3})", StringComparison.Ordinal)
            .Replace(@"[^\s\p{L}\p{N}]++[\r\n]*+", @"(?>[^\s\p{L}\p{N}]+)(?>[\r\n]*)", StringComparison.Ordinal)
            .Replace(@"\s++$", @"(?>\s+)\z", StringComparison.Ordinal);
        var regex = new Regex(spelling, RegexOptions.CultureInvariant);
        Splitter splitter = Patterns.Create(pattern);
        var random = new Random(5);
        for (int round = 0; round < 20_000; round++)
        {
            string text = TestTokenizers.Mix(random, random.Next(1, 24), _pieces);
            Assert.Equal(regex.Matches(text).Select(m => m.Value), Split(splitter, text));
        }
    }

    [Fact]
    public void Text_between_matches_of_the_DeepSeek_pattern_stays_together()
    {
        var regex = new Regex(Patterns.DeepSeek, RegexOptions.CultureInvariant);
        Splitter splitter = Patterns.FindSplitter(Patterns.DeepSeek)!;
        var random = new Random(6);
        for (int round = 0; round < 20_000; round++)
        {
            string text = TestTokenizers.Mix(random, random.Next(1, 12), _pieces);
            var expected = new List<string>();
            int end = 0;
            foreach (Match match in regex.Matches(text))
            {
                if (match.Index > end)
                    expected.Add(text[end..match.Index]);
                expected.Add(match.Value);
                end = match.Index + match.Length;
            }

            if (end < text.Length)
                expected.Add(text[end..]);
            Assert.Equal(expected, Split(splitter, text));
        }
    }

    [Fact]
    public void Parts_of_patterns_keep_what_they_do_not_match()
    {
        Assert.Equal(["a", "123", "4½", "x"], Split(new Splitter<ThreeDigitScanner>(), "a1234½x"));
        Assert.Equal(["ab", "1", "2", "c"], Split(new Splitter<SingleDigitScanner>(), "ab12c"));
        Assert.Equal(["ab", "日本ひカ", "한 "], Split(new Splitter<CjkScanner>(), "ab日本ひカ한 "));
        Assert.Equal(["a b", "!=«", "c"], Split(new Splitter<PunctuationScanner>(), "a b!=«c"));
        Assert.Equal(["x", "123", "45y", "678"], Split(new Splitter<DigitTripleScanner>(), "x12345y678"));
    }

    [Fact]
    public void A_contraction_with_a_long_s_is_cut_off()
    {
        Assert.Equal(["it", "'ſ", " fine"], Split(Patterns.Create(SplitPattern.Cl100k), "it'ſ fine"));
        Assert.Equal(["it'ſ", " fine"], Split(Patterns.Create(SplitPattern.O200k), "it'ſ fine"));
        Assert.Equal(["it", "'", "ſ", " fine"], Split(Patterns.Create(SplitPattern.Gpt2), "it'ſ fine"));
    }

    [Fact]
    public void Characters_beyond_the_basic_plane_have_their_class()
    {
        // A Gothic letter, a mathematical digit, an emoji.
        Assert.Equal(["a𐌰", "𝟏2", "😀!"], Split(Patterns.Create(SplitPattern.Gpt2), "a𐌰𝟏2😀!"));
    }

    private static List<string> Split(Splitter splitter, string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        var ends = new int[3]; // small, so that batches are resumed
        var pieces = new List<string>();
        for (int start = 0; start < utf8.Length;)
        {
            foreach (int end in ends[..splitter.Split(utf8, start, ends)])
            {
                pieces.Add(Encoding.UTF8.GetString(utf8, start, end - start));
                start = end;
            }
        }

        return pieces;
    }
}
