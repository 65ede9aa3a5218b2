using System.Text;
using Craton.Tokenizers.Bpe;
using Craton.Tokenizers.Splitting;

namespace Craton.Tokenizers.Tests;

/// <summary>The encoder against byte-pair encoding as textbooks have it, where it changes its way: caches, scans, heaps, ends of texts.</summary>
public sealed class ReferenceEncodingTests
{
    // Keys, remembered long words and scans end at 15, 48 and 128 bytes; texts are read sixteen bytes at a time.
    private static readonly int[] _lengths = [1, 2, 7, 8, 9, 14, 15, 16, 17, 31, 32, 33, 47, 48, 49, 127, 128, 129, 300];

    public static TheoryData<SplitPattern> AllPatterns => [.. Enum.GetValues<SplitPattern>()];

    [Theory]
    [MemberData(nameof(AllPatterns))]
    public void Random_and_repeated_Unicode_gives_the_ids_of_the_textbook(SplitPattern pattern)
    {
        var reference = new Reference(pattern);
        var random = new Random(23);
        for (int round = 0; round < 300; round++)
        {
            reference.Check(Unicode(random, random.Next(60)));
            string unit = Unicode(random, random.Next(1, 5));
            reference.Check(string.Concat(Enumerable.Repeat(unit, random.Next(1, 200))));
            reference.Check(string.Join(random.Next(2) == 0 ? "" : " ", TestTokenizers.Corpus().Skip(random.Next(200)).Take(3)));
        }
    }

    [Theory]
    [MemberData(nameof(AllPatterns))]
    public void Words_of_every_length_give_the_ids_of_the_textbook(SplitPattern pattern)
    {
        var reference = new Reference(pattern);
        var random = new Random(29);
        foreach (int length in _lengths)
        {
            for (int round = 0; round < 20; round++)
            {
                string word = string.Concat(Enumerable.Range(0, length).Select(_ => (char)random.Next('a', 'a' + 1 + round)));
                string following = string.Concat(Enumerable.Repeat(word, round)), behind = new('.', round);
                foreach (string text in new[] { word, word, " " + word, $"{word} {word}{behind}", word + behind, $"\n{word.ToUpperInvariant()}{following}'ll", behind + word })
                    reference.Check(text);
            }
        }
    }

    [Fact]
    public void Words_that_differ_in_zeros_and_length_only_are_told_apart()
    {
        var reference = new Reference(SplitPattern.None);
        for (int round = 0; round < 2; round++)
        {
            for (int length = 1; length < 40; length++)
                reference.Check(Encoding.UTF8.GetBytes("a" + new string('\0', length)));
        }
    }

    [Fact]
    public void Random_bytes_give_the_ids_of_the_textbook()
    {
        var reference = new Reference(SplitPattern.None);
        var random = new Random(31);
        for (int round = 0; round < 2000; round++)
        {
            var bytes = new byte[round < 400 ? _lengths[round % _lengths.Length] : random.Next(200)];
            random.NextBytes(bytes);
            // Few different values, so that there is something to merge.
            if (round % 2 == 0)
                bytes = Array.ConvertAll(bytes, b => "the value\xE9\x97"u8[b % 11]);
            reference.Check(bytes);
        }
    }

    [Fact]
    public void More_words_than_the_caches_hold_change_nothing()
    {
        var reference = new Reference(SplitPattern.Gpt2);
        string text = string.Join(' ', Enumerable.Range(0, 200_000).Select(i => $"w{(char)('a' + i % 26)}{Convert.ToString(i, 8)}"));
        int[] first = reference.Tokenizer.Encode(text);
        Assert.Equal(first, reference.Tokenizer.Encode(text));
        Assert.Equal(text, reference.Tokenizer.Decode(first));
    }

    [Theory]
    [MemberData(nameof(AllPatterns))]
    public void Encoding_into_a_list_allocates_nothing(SplitPattern pattern)
    {
        BpeTokenizer tokenizer = TestTokenizers.Trained(pattern);
        string text = string.Join('\n', TestTokenizers.Corpus());
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        var ids = new List<int>(utf8.Length);
        long allocated = long.MaxValue;
        for (int round = 0; round < 20; round++) // a collection that other tests cause empties the pools: the least counts
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            ids.Clear();
            tokenizer.Encode(text, ids);
            ids.Clear();
            tokenizer.EncodeUtf8(utf8, ids);
            allocated = Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, allocated);
    }

    [Fact]
    public void A_batch_is_what_its_texts_are_one_by_one()
    {
        BpeTokenizer tokenizer = TestTokenizers.Trained(SplitPattern.O200k);
        List<string> texts = [.. TestTokenizers.Corpus(), "", "x"];
        int[][] expected = [.. texts.Select(t => tokenizer.Encode(t))];
        foreach (int threads in new[] { 1, 2, 7 })
            Assert.Equal(expected, tokenizer.EncodeBatch(texts, threads));
        Assert.Empty(tokenizer.EncodeBatch([], 2));

        CharTokenizer characters = CharTokenizer.Train(["ab"]);
        string[] unknown = [.. Enumerable.Range(0, 100).Select(i => i < 40 ? "ab" : i.ToString(System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Contains("U+0034", Assert.Throws<TokenizerException>(() => characters.EncodeBatch(unknown, 4)).Message, StringComparison.Ordinal);
    }

    private static string Unicode(Random random, int count)
    {
        var text = new StringBuilder();
        for (int i = 0; i < count; i++)
        {
            int code = random.Next(8) switch
            {
                0 => random.Next(0x80, 0x800),
                1 => random.Next(0x800, 0xD800),
                2 => random.Next(0x10000, 0x110000),
                3 => " \n\t'.\0"[random.Next(6)],
                _ => random.Next('A', 'z'),
            };
            text.Append(new Rune(code));
        }

        return text.ToString();
    }

    /// <summary>A tokenizer, and what it should do.</summary>
    private sealed class Reference(SplitPattern pattern)
    {
        private readonly Splitter? _splitter = pattern == SplitPattern.None ? null : Patterns.Create(pattern);
        private readonly int[] _bytes = [.. Enumerable.Range(0, 256).Select(b => TestTokenizers.Trained(pattern).Model.Find([(byte)b])!.Value)];
        private readonly Dictionary<(int, int), (int Rank, int Id)> _merges =
            TestTokenizers.Trained(pattern).Model.Merges.Select((m, rank) => (m, rank)).ToDictionary(m => (m.m.Left, m.m.Right), m => (m.rank, m.m.Result));

        public BpeTokenizer Tokenizer { get; } = TestTokenizers.Trained(pattern);

        public void Check(string text) => Check(Encoding.UTF8.GetBytes(text));

        public void Check(byte[] text)
        {
            var ids = new List<int>();
            Tokenizer.EncodeUtf8(text, ids);
            var expected = new List<int>();
            for (int start = 0; start < text.Length;)
            {
                int end = text.Length;
                if (_splitter is not null)
                {
                    var ends = new int[1];
                    _ = _splitter.Split(text, start, ends);
                    end = ends[0];
                }

                expected.AddRange(Merge(text.AsSpan(start, end - start)));
                start = end;
            }

            Assert.Equal(expected, ids);
        }

        /// <summary>While any two neighbours merge, those of the lowest rank do, the leftmost first.</summary>
        private List<int> Merge(ReadOnlySpan<byte> word)
        {
            var symbols = new List<int>();
            foreach (byte b in word)
                symbols.Add(_bytes[b]);
            while (true)
            {
                (int best, int rank, int id) = (-1, int.MaxValue, -1);
                for (int i = 0; i + 1 < symbols.Count; i++)
                {
                    if (_merges.TryGetValue((symbols[i], symbols[i + 1]), out (int Rank, int Id) merge) && merge.Rank < rank)
                        (best, rank, id) = (i, merge.Rank, merge.Id);
                }

                if (best < 0)
                    return symbols;
                symbols[best] = id;
                symbols.RemoveAt(best + 1);
            }
        }
    }
}
