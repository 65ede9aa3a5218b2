using System.Text.Json;
using Craton.Tokenizers.Bpe;
using Craton.Tokenizers.Splitting;
using Xunit.Abstractions;

namespace Craton.Tokenizers.Tests;

[Trait("Category", "Golden")]
public sealed class FixtureTrainingTests(ITestOutputHelper output)
{
    [Fact]
    public void Training_gives_the_vocabulary_and_merges_of_the_reference()
    {
        var tally = new Tally(output);
        foreach (JsonElement area in Fixtures.Cases().Where(c => c.Text("kind") == "training"))
        {
            string folder = Path.Combine(Fixtures.Root, area.Id());
            foreach (JsonElement entry in Fixtures.Lines(Path.Combine(folder, "cases.jsonl")))
            {
                string[] lines = File.ReadAllText(Path.Combine(folder, "corpora", entry.Text("corpus") + ".txt")).Split('\n')[..^1];
                if (entry.GetProperty("compare").Text("as") == "information")
                {
                    tally.Skip(entry.Id(), "the trainer of SentencePiece is not built; there is nothing to match");
                    continue;
                }

                if (Options(entry) is not { } options)
                {
                    CheckVocabulary(Train(lines, entry), entry, tally);
                    continue;
                }

                Check(BpeTrainer.Train(lines, options), entry, tally);
                Check(BpeTrainer.Train(lines, options with { Threads = 1 }), entry, tally);
            }
        }

        tally.Finish("training");
    }

    [Fact]
    public void Training_with_ties_to_the_greater_pair_gives_the_merges_of_the_reference()
    {
        if (Fixtures.Data(output, "tokenizer-vectors/bpe-training") is not { } folder)
            return;
        string corpus = System.Text.Encoding.UTF8.GetString(Fixtures.Read(Path.Combine(folder, "corpus.en.gz")));
        BpeTrainingResult result = BpeTrainer.Train([corpus], new BpeTrainerOptions
        {
            VocabularySize = 500,
            SpecialTokens = ["<|endoftext|>"],
            Ties = MergeTieRule.GreaterBytes,
        });
        string[] expected = [.. File.ReadAllLines(Path.Combine(folder, "reference-merges.txt")).Where(l => l.Length > 0)];
        Assert.Equal(expected, result.Merges.Select(m => $"{ByteLevelAlphabet.ToSymbols(m.Left)} {ByteLevelAlphabet.ToSymbols(m.Right)}"));
        // The reference numbers bytes and merges in its own order; the tokens are the same.
        IEnumerable<string> vocabulary = JsonElement.Parse(File.ReadAllText(Path.Combine(folder, "reference-vocab.json"))).EnumerateObject().Select(p => p.Name);
        Assert.Equal(vocabulary.Order(StringComparer.Ordinal), Spellings(result.Tokenizer).Order(StringComparer.Ordinal));
        output.WriteLine($"{expected.Length} merges equal");
    }

    private static BpeTrainerOptions? Options(JsonElement entry)
    {
        if (!entry.Has("pre_tokenizer"))
            return null;
        JsonElement preTokenizer = entry.GetProperty("pre_tokenizer");
        JsonElement byteLevel = preTokenizer;
        SplitPattern pattern = SplitPattern.Gpt2;
        if (preTokenizer.Text("type") == "Sequence")
        {
            JsonElement[] steps = [.. preTokenizer.GetProperty("pretokenizers").EnumerateArray()];
            if (steps.Length != 2 || steps[0].Text("type") != "Split" || Patterns.Find(steps[0].GetProperty("pattern").Text("Regex")) is not { } found)
                return null;
            (byteLevel, pattern) = (steps[1], found);
        }

        JsonElement trainer = entry.GetProperty("trainer");
        if (entry.Text("model") != "BPE" || byteLevel.Text("type") != "ByteLevel"
            || trainer.EnumerateObject().Any(p => p.Name is not ("vocab_size" or "min_frequency" or "special_tokens" or "initial_alphabet" or "max_token_length"))
            || !trainer.TryGetProperty("initial_alphabet", out JsonElement alphabet) || alphabet.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        return new BpeTrainerOptions
        {
            VocabularySize = trainer.GetProperty("vocab_size").GetInt32(),
            MinFrequency = trainer.Has("min_frequency") ? trainer.GetProperty("min_frequency").GetInt32() : 0,
            SpecialTokens = trainer.Has("special_tokens") ? [.. trainer.GetProperty("special_tokens").EnumerateArray().Select(s => s.GetString()!)] : [],
            MaxTokenLength = trainer.Has("max_token_length") ? trainer.GetProperty("max_token_length").GetInt32() : null,
            Pattern = pattern,
            AddPrefixSpace = byteLevel.GetProperty("add_prefix_space").GetBoolean(),
            Nfc = entry.Has("normalizer") && entry.GetProperty("normalizer").Text("type") == "NFC",
        };
    }

    private static PipelineTokenizer Train(string[] lines, JsonElement entry)
    {
        JsonElement trainer = entry.GetProperty("trainer");
        var options = new VocabularyTrainerOptions
        {
            VocabularySize = trainer.GetProperty("vocab_size").GetInt32(),
            SpecialTokens = trainer.Has("special_tokens") ? [.. trainer.GetProperty("special_tokens").EnumerateArray().Select(s => s.GetString()!)] : [],
            UnknownToken = trainer.Has("unk_token") ? trainer.Text("unk_token") : null,
            MinFrequency = Number("min_frequency") ?? 0,
            AlphabetLimit = Number("limit_alphabet"),
            InitialAlphabet = trainer.Has("initial_alphabet") ? string.Concat(trainer.GetProperty("initial_alphabet").EnumerateArray().Select(c => c.GetString())) : "",
            MaxTokenLength = Number("max_token_length"),
            ContinuingPrefix = trainer.Has("continuing_subword_prefix") ? trainer.Text("continuing_subword_prefix") : "",
            EndOfWordSuffix = trainer.Has("end_of_word_suffix") ? trainer.Text("end_of_word_suffix") : "",
            MaxPieceLength = Number("max_piece_length") ?? 16,
            ShrinkingFactor = trainer.Has("shrinking_factor") ? trainer.GetProperty("shrinking_factor").GetDouble() : 0.75,
            Normalizer = entry.Has("normalizer") ? entry.GetProperty("normalizer").GetRawText() : null,
            PreTokenizer = entry.Has("pre_tokenizer") ? entry.GetProperty("pre_tokenizer").GetRawText() : null,
        };
        return entry.Text("model") switch
        {
            "BPE" => VocabularyTrainer.TrainBpe(lines, options),
            "WordPiece" => VocabularyTrainer.TrainWordPiece(lines, options),
            "WordLevel" => VocabularyTrainer.TrainWordLevel(lines, options),
            _ => VocabularyTrainer.TrainUnigram(lines, options),
        };

        int? Number(string name) => trainer.Has(name) ? trainer.GetProperty(name).GetInt32() : null;
    }

    private static void CheckVocabulary(PipelineTokenizer tokenizer, JsonElement entry, Tally tally)
    {
        JsonElement expected = entry.GetProperty("expected"), compare = entry.GetProperty("compare");
        JsonElement file = JsonElement.Parse(System.Text.Encoding.UTF8.GetString(tokenizer.ToJson()));
        JsonElement vocabulary = file.GetProperty("model").GetProperty("vocab");
        string[] tokens = vocabulary.ValueKind == JsonValueKind.Array
            ? [.. vocabulary.EnumerateArray().Select(t => t[0].GetString()!)] : [.. vocabulary.EnumerateObject().Select(t => t.Name)];
        if (compare.Text("as") == "exact")
        {
            tally.Check(entry.Id() + " vocabulary", expected.GetProperty("vocab").EnumerateArray().Select(t => t.GetString()!), tokens);
            if (expected.Has("merges"))
                tally.Check(entry.Id() + " merges", Pairs(expected.GetProperty("merges")), Pairs(file.GetProperty("model").GetProperty("merges")));
            return;
        }

        static IEnumerable<string> Pairs(JsonElement merges) => merges.EnumerateArray().Select(m => $"{m[0].GetString()} {m[1].GetString()}");
        HashSet<string> set = [.. expected.GetProperty("vocab_set").EnumerateArray().Select(t => t.GetString()!)];
        double overlap = (double)tokens.Count(set.Contains) / Math.Max(set.Count, tokens.Length);
        double least = compare.GetProperty("min_overlap").GetDouble();
        tally.Check($"{entry.Id()} overlap {overlap:F4}, at least {least}", "True", (overlap >= least).ToString());
    }

    private static IEnumerable<string> Spellings(BpeTokenizer tokenizer)
    {
        BpeVocabulary vocabulary = tokenizer.Model.Vocabulary;
        return Enumerable.Range(0, vocabulary.Count).Select(vocabulary.SpellingOf);
    }

    private static void Check(BpeTrainingResult result, JsonElement entry, Tally tally)
    {
        JsonElement expected = entry.GetProperty("expected");
        tally.Check(entry.Id() + " vocabulary", expected.GetProperty("vocab").EnumerateArray().Select(t => t.GetString()!), Spellings(result.Tokenizer));
        tally.Check(
            entry.Id() + " merges",
            expected.GetProperty("merges").EnumerateArray().Select(m => $"{m[0].GetString()} {m[1].GetString()}"),
            result.Merges.Select(m => $"{ByteLevelAlphabet.ToSymbols(m.Left)} {ByteLevelAlphabet.ToSymbols(m.Right)}"));
        int asked = entry.GetProperty("trainer").GetProperty("vocab_size").GetInt32();
        Assert.Equal(result.Tokenizer.VocabularySize >= asked, result.ReachedSize);
    }
}
