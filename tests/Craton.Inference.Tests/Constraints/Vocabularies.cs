using System.Text;
using System.Text.Json;
using Craton.Inference.Constraints;
using Craton.Tokenizers;

namespace Craton.Inference.Tests.Constraints;

/// <summary>Vocabularies to generate with.</summary>
internal static class Vocabularies
{
    public const string End = "<|endoftext|>";

    private static readonly Lazy<ConstraintVocabulary> LazyTrained = new(() => new ConstraintVocabulary(Train(2000)));

    /// <summary>A byte-level vocabulary of about 2,000 tokens, trained on JSON, English and other scripts.</summary>
    public static ConstraintVocabulary Trained => LazyTrained.Value;

    /// <summary>One token for each byte, and one that ends the text.</summary>
    public static ConstraintVocabulary Bytes { get; } =
        new([.. Enumerable.Range(0, 256).Select(b => new[] { (byte)b }), []], [256]);

    /// <summary>The folder of fixtures: CRATON_FIXTURES when set, else the small copy in the repository.</summary>
    public static string Fixtures { get; } = Environment.GetEnvironmentVariable("CRATON_FIXTURES") is { Length: > 0 } root ? root : Path.Combine(RepositoryRoot(), "tests", "fixtures");

    /// <summary>Tokens spelt out, and one more that ends the text.</summary>
    public static ConstraintVocabulary Of(params IEnumerable<string> tokens)
    {
        byte[][] bytes = [.. tokens.Select(Encoding.UTF8.GetBytes), []];
        return new ConstraintVocabulary(bytes, [bytes.Length - 1]);
    }

    public static Tokenizer Train(int size) => BpeTrainer.Train(
        Corpus(), new BpeTrainerOptions { VocabularySize = size, SpecialTokens = [End], Pattern = SplitPattern.None, MaxTokenLength = 24 }).Tokenizer;

    /// <summary>Pseudo-random documents, always the same.</summary>
    public static IEnumerable<string> Corpus()
    {
        var random = new Random(5);
        string[] words = ["name", "value", "the", "of", "größe", "名前", "привет", "items", "null", "true", "radius", "kind", "left", "right", "\\\"", "\\n", "\\u00e9", "2024-02-29", "12.5", "-3", "😀"];
        for (int i = 0; i < 3000; i++)
        {
            string Word() => words[random.Next(words.Length)] + (random.Next(3) == 0 ? $"{random.Next(1000)}" : "");
            yield return $"{{\"{Word()}\": [{random.Next(1000)}, {random.Next(100)}], \"{Word()}\":\"{Word()} {Word()}\", \"{Word()}\": {{\"{Word()}\":null}}}}";
            yield return $"{{\n  \"{Word()}\": \"{Word()}\",\n  \"{Word()}\": [[[]]]\n}}";
        }
    }

    /// <summary>Tokenizers of the fixtures' manifest that can be loaded, with the reason for each that cannot.</summary>
    public static IEnumerable<(string Id, ConstraintVocabulary? Vocabulary, string Reason)> FromFixtures()
    {
        string folder = Path.Combine(Fixtures, "tokenizers");
        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "manifest.json")));
        foreach (JsonElement item in manifest.RootElement.GetProperty("cases").EnumerateArray())
        {
            string id = item.GetProperty("id").GetString()!;
            string? file = item.GetProperty("files").EnumerateArray().Select(f => f.GetString()!).FirstOrDefault(f => f.EndsWith("/tokenizer.json", StringComparison.Ordinal));
            if (file is null)
            {
                yield return (id, null, "no tokenizer.json");
                continue;
            }

            (ConstraintVocabulary? vocabulary, string reason) = Load(Path.Combine(folder, file));
            yield return (id, vocabulary, reason);
        }
    }

    private static (ConstraintVocabulary?, string) Load(string path)
    {
        try
        {
            Tokenizer tokenizer = Tokenizer.Load(path);
            int end = tokenizer.VocabularySize;
            return (tokenizer.EndOfText is null ? new ConstraintVocabulary(tokenizer, [end], end + 1) : new ConstraintVocabulary(tokenizer), "");
        }
        catch (TokenizerException e)
        {
            return (null, e.Message);
        }
    }

    private static string RepositoryRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Craton.slnx")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException("The tests run outside a checkout; set CRATON_FIXTURES.");
    }
}
