using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Craton.Tokenizers.Files;
using Craton.Tokenizers.Pipeline;

namespace Craton.Tokenizers.Tests;

/// <summary>Damaged and hostile files, patterns and texts: only typed errors, and time in proportion to the text.</summary>
public sealed class PipelineSafetyTests
{
    private const string Text = "Héllo wörld, ab 123\n\"quoted\" \u2581日本 <x>😀";

    private static readonly string[] _files =
    [
        File("""{"type":"WordPiece","unk_token":"[U]","continuing_subword_prefix":"##","max_input_chars_per_word":9,"vocab":{"[U]":0,"a":1,"##b":2,"h":3}}""",
            """{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true}""",
            """{"type":"BertPreTokenizer"}""",
            """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[U]","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],"special_tokens":{"[U]":{"id":"[U]","ids":[0],"tokens":["[U]"]}}}""",
            """{"type":"WordPiece","prefix":"##","cleanup":true}"""),
        File("""{"type":"Unigram","unk_id":0,"vocab":[["<u>",0],["\u2581a",-1.5],["b",-2.25],["<0x41>",-9]],"byte_fallback":true}""",
            """{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Replace","pattern":{"Regex":"\\s+"},"content":" "},{"type":"Precompiled","precompiled_charsmap":"BAAAAAAAAABhAA=="}]}""",
            """{"type":"Metaspace","replacement":"\u2581","prepend_scheme":"always","split":true}""",
            """{"type":"RobertaProcessing","sep":["b",2],"cls":["<u>",0],"trim_offsets":true,"add_prefix_space":false}""",
            """{"type":"Sequence","decoders":[{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}"""),
        File("""{"type":"BPE","dropout":null,"unk_token":"u","continuing_subword_prefix":null,"end_of_word_suffix":"</w>","fuse_unk":true,"byte_fallback":false,"vocab":{"u":0,"a":1,"b</w>":2,"ab</w>":3},"merges":[["a","b</w>"]]}""",
            """{"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"StripAccents"},{"type":"Strip","strip_left":true,"strip_right":true}]}""",
            """{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"'s|\\p{L}+|(?!\\S)x"},"behavior":"Removed","invert":true},{"type":"Digits","individual_digits":true},{"type":"UnicodeScripts"}]}""",
            "null",
            """{"type":"BPEDecoder","suffix":"</w>"}"""),
        File("""{"type":"WordLevel","vocab":{"?":0,"ab":1},"unk_token":"?"}""", """{"type":"Prepend","prepend":"x"}""", """{"type":"Whitespace"}""", "null", """{"type":"CTC","pad_token":"?","word_delimiter_token":"|","cleanup":true}"""),
    ];

    [Fact]
    public void Mutated_files_give_a_tokenizer_or_the_file_exception()
    {
        var random = new Random(5);
        byte[] interesting = [0, 0xFF, (byte)'"', (byte)'{', (byte)'}', (byte)'[', (byte)']', (byte)',', (byte)':', (byte)'-', (byte)'9', (byte)'\\', (byte)'(', (byte)'*'];
        int read = 0;
        foreach (string file in _files)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(file);
            Try(bytes);
            for (int round = 0; round < 27_000; round++)
            {
                byte[] mutated = [.. bytes];
                for (int edits = random.Next(1, 4); edits > 0; edits--)
                    mutated[random.Next(mutated.Length)] = random.Next(2) == 0 ? interesting[random.Next(interesting.Length)] : (byte)random.Next(256);
                read += Try(mutated) ? 1 : 0;
            }
        }

        Assert.True(read > 1000);
    }

    [Fact]
    public void Mutated_SentencePiece_models_give_a_tokenizer_or_the_file_exception()
    {
        var random = new Random(6);
        int read = 0;
        foreach (SentencePieceAlgorithm algorithm in Enum.GetValues<SentencePieceAlgorithm>())
        {
            byte[] bytes = SentencePieceFile.Write(new SentencePieceTokenizer(
                [new("<unk>", 0, SentencePieceKind.Unknown), new("<s>", 0, SentencePieceKind.Control), new("\u2581a", -1), new("b", -2), new("ab", -1.5f), new("<x>", 0, SentencePieceKind.UserDefined), new("a", -3, SentencePieceKind.Unused)],
                new SentencePieceOptions { Algorithm = algorithm, Charsmap = Convert.FromBase64String("BAAAAAAAAABhAA==") }));
            for (int length = 0; length < bytes.Length; length++)
                read += TryPieces(bytes[..length]) ? 1 : 0;
            for (int round = 0; round < 26_000; round++)
            {
                byte[] mutated = [.. bytes];
                for (int edits = random.Next(1, 4); edits > 0; edits--)
                    mutated[random.Next(mutated.Length)] = (byte)random.Next(256);
                read += TryPieces(mutated) ? 1 : 0;
            }
        }

        Assert.True(read > 1000);
    }

    [Fact]
    public void Random_patterns_are_refused_or_match_in_little_time()
    {
        string[] parts = ["a", "\\s", "\\p{L}", "[^a-z]", "(", ")", "(?:", "(?=", "(?!", "(?<=", "(?>", "(?i)", "*", "+", "?", "*+", "{2,3}", "{,4}", "|", "^", "$", "\\b", "[[:alpha:]&&[^x]]", "."];
        var random = new Random(7);
        int[] text = AlignedText.CodesOf(string.Concat(Enumerable.Repeat("aa b1 ", 20)));
        int parsed = 0;
        for (int round = 0; round < 100_000; round++)
        {
            string pattern = string.Concat(Enumerable.Range(0, random.Next(1, 9)).Select(_ => parts[random.Next(parts.Length)]));
            if (RegexPattern.Parse(pattern, out string? problem) is not { } regex)
            {
                Assert.NotEmpty(problem!);
                continue;
            }

            parsed++;
            int last = 0;
            foreach ((int start, int end) in regex.FindAll(text))
            {
                Assert.True(start >= last && end >= start && end <= text.Length, pattern);
                last = end;
            }
        }

        Assert.True(parsed > 10_000);
    }

    [Theory]
    [InlineData("(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 'a')]
    [InlineData(@"\s++$|\s", " x", ' ')]
    [InlineData(@"(?=\s*\n)x|\s+(?!\S)|\s", " x", ' ')]
    [InlineData("(a|aa|aaa)*b", "ac", 'a')]
    [InlineData("(?>a*)b|a", "ac", 'a')]
    [InlineData("(?<!ab)a+c|a", "ad", 'a')]
    [InlineData("(?:a?){50}a{50}x", "ay", 'a')]
    public void Hostile_patterns_take_time_in_proportion_to_the_text(string pattern, string end, char filler)
    {
        RegexPattern regex = RegexPattern.Parse(pattern, out string? problem) ?? throw new InvalidOperationException(problem);
        _ = Measure(regex, new string(filler, 1000) + end);
        double once = Enumerable.Range(0, 3).Min(_ => Measure(regex, new string(filler, 10_000) + end));
        double more = Enumerable.Range(0, 3).Min(_ => Measure(regex, new string(filler, 40_000) + end));
        Assert.True(more < 12 * once + 0.3, $"{pattern}: {once:F4} s, four times the text {more:F4} s");
    }

    [Fact]
    public void Models_take_time_in_proportion_to_the_text()
    {
        foreach (string file in _files)
        {
            Tokenizer tokenizer = TokenizerJsonReader.Parse(Encoding.UTF8.GetBytes(file), "test.json");
            double once = Time(tokenizer, 40_000), more = Time(tokenizer, 160_000);
            Assert.True(more < 12 * once + 0.3, $"{once:F4} s, four times the text {more:F4} s");
        }

        static double Time(Tokenizer tokenizer, int length) => Enumerable.Range(0, 3).Min(round =>
        {
            var watch = Stopwatch.StartNew();
            _ = tokenizer.Encode(string.Concat(Enumerable.Repeat("a\u0416", length / 2)));
            return watch.Elapsed.TotalSeconds;
        });
    }

    private static double Measure(RegexPattern regex, string text)
    {
        int[] codes = AlignedText.CodesOf(text);
        var watch = Stopwatch.StartNew();
        _ = regex.FindAll(codes);
        return watch.Elapsed.TotalSeconds;
    }

    private static bool Try(byte[] json)
    {
        Tokenizer tokenizer;
        try
        {
            tokenizer = TokenizerJsonReader.Parse(json, "test.json");
        }
        catch (TokenizerFileException)
        {
            return false;
        }

        Use(tokenizer);
        return true;
    }

    private static bool TryPieces(byte[] model)
    {
        Tokenizer tokenizer;
        try
        {
            tokenizer = SentencePieceFile.Parse(model, "test.model");
        }
        catch (TokenizerFileException)
        {
            return false;
        }

        Use(tokenizer);
        return true;
    }

    private static void Use(Tokenizer tokenizer)
    {
        try
        {
            EncodedText encoded = tokenizer.EncodeText(Text, "pair", new EncodeOptions { AllowSpecial = true });
            Assert.All(encoded.Tokens, t => Assert.InRange(t.End, t.Start, Text.Length));
            _ = tokenizer.Decode([.. encoded.Ids]);
        }
        catch (TokenizerException)
        {
            // A vocabulary without an unknown token cannot express every text.
        }
    }

    private static string File(string model, string normalizer, string preTokenizer, string postProcessor, string decoder) =>
        $$"""{"version":"1.0","truncation":null,"padding":null,"added_tokens":[{"id":9,"content":"<x>","single_word":false,"lstrip":true,"rstrip":false,"normalized":true,"special":true}],"normalizer":{{normalizer}},"pre_tokenizer":{{preTokenizer}},"post_processor":{{postProcessor}},"decoder":{{decoder}},"model":{{model}}}""";
}
