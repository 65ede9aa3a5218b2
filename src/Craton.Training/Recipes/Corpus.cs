using System.Security.Cryptography;
using System.Text;
using Craton.Data;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tokenizers;

namespace Craton.Training.Recipes;

/// <summary>Text made ready for training: selected, cleaned, divided, tokenised.</summary>
/// <param name="Tokenizer">The tokenizer.</param>
/// <param name="Train">Training tokens.</param>
/// <param name="Valid">Validation tokens, or null when there are none.</param>
/// <param name="Sha256">Of what determines all tokens: the shards' manifest, or the text itself where there are no shards.</param>
public sealed record Corpus(Tokenizer Tokenizer, TokenStore Train, TokenStore? Valid, string Sha256)
{
    /// <summary>Ends every document, and begins every turn of a conversation.</summary>
    public static readonly string[] SpecialTokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

    /// <summary>Rows for training, in an order that the seed decides.</summary>
    public BatchLoader TrainRows(DataSettings settings, int context, ulong seed) => settings.Loader == LoaderKind.Windows
        ? new RandomWindows(Train, context, seed)
        : new TokenLoader(Train, context, new TokenLoaderOptions { Seed = seed, Begin = Tokenizer.EndOfText });

    /// <summary>Opens rows for validation at their beginning: always the same ones.</summary>
    public Func<BatchLoader>? ValidRows(DataSettings settings, int context) => Valid is null ? null
        : settings.Loader == LoaderKind.Windows ? () => new RandomWindows(Valid, context, seed: 0)
        : () => new TokenLoader(Valid, context, new TokenLoaderOptions { Shuffle = false, Begin = Tokenizer.EndOfText });

    /// <summary>Prepares a corpus in a folder, or opens the one that an earlier start of the same run prepared there.</summary>
    /// <param name="data">Which text.</param>
    /// <param name="tokenizer">Trains this tokenizer on the training split.</param>
    /// <param name="folder">Where tokens and the page about the text go.</param>
    /// <param name="listener">Hears what is done.</param>
    public static Corpus Prepare(DataSettings data, TokenizerSettings tokenizer, string folder, TrainingListener listener) =>
        Prepare(data, texts => Make(tokenizer, texts, listener), folder, listener);

    /// <summary>Prepares a corpus for a model that exists, with its tokenizer.</summary>
    public static Corpus Prepare(DataSettings data, Tokenizer tokenizer, string folder, TrainingListener listener) =>
        Prepare(data, _ => tokenizer, folder, listener);

    private static Corpus Prepare(DataSettings data, Func<IEnumerable<string>, Tokenizer> tokenizer, string folder, TrainingListener listener)
    {
        if (data.Loader == LoaderKind.Packed && File.Exists(Path.Combine(folder, "manifest.json"))) return Open(folder);
        Selection selection = Selection.Of(data, listener);
        if (data.Loader == LoaderKind.Windows) return Divide(data, tokenizer, selection, folder);
        var splitter = new Splitter(data.ValidFraction, data.TestFraction);
        Tokenizer made = tokenizer(selection.Documents.Where(d => splitter.Of(d) == Split.Train).Select(d => d.Text));
        listener.OnMessage($"encoding {selection.Documents.Length:N0} documents");
        var statistics = new DataStatistics(made);
        ShardBuilder.Build(folder, statistics.Watch(selection.Documents), made, splitter, new ShardOptions { Overwrite = true, Page = () => selection.Page(statistics, Run(folder)) });
        return Open(folder);
    }

    private static Corpus Open(string folder)
    {
        var train = new TokenShards(folder, Split.Train);
        bool hasValid = train.Manifest.Splits.ContainsKey("valid");
        string hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, "manifest.json"))));
        return new Corpus(Tokenizer.Load(Path.Combine(folder, "tokenizer")), train, hasValid ? new TokenShards(folder, Split.Valid) : null, hash);
    }

    // One long text: its end is held out, not a share of its documents.
    private static Corpus Divide(DataSettings data, Func<IEnumerable<string>, Tokenizer> make, Selection selection, string folder)
    {
        string text = string.Concat(selection.Documents.Select(d => d.Text));
        int held = (int)(text.Length * data.ValidFraction);
        Tokenizer tokenizer = make([text]);
        var statistics = new DataStatistics(tokenizer);
        foreach (Document _ in statistics.Watch(selection.Documents)) { }
        SavePage(folder, selection, statistics);
        var train = new MemoryTokens(tokenizer.Encode(text.AsSpan(0, text.Length - held)));
        var valid = held > 0 ? new MemoryTokens(tokenizer.Encode(text.AsSpan(text.Length - held))) : null;
        return new Corpus(tokenizer, train, valid, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))));
    }

    /// <summary>Saves the page about data that are kept in memory.</summary>
    internal static void SavePage(string folder, Selection selection, DataStatistics statistics)
    {
        Directory.CreateDirectory(folder);
        DurableFile.WriteText(Path.Combine(folder, StatisticsPage.FileName), selection.Page(statistics, Run(folder)));
    }

    // The folder is RUN/data.
    private static string Run(string folder) => Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(folder)))!;

    private static Tokenizer Make(TokenizerSettings settings, IEnumerable<string> texts, TrainingListener listener)
    {
        if (settings.Path is { } path) return Tokenizer.Load(path);
        switch (settings.Kind)
        {
            case TokenizerKind.Char: return CharTokenizer.Train(texts, SpecialTokens);
            case TokenizerKind.Byte: return ByteTokenizer.Create(SpecialTokens);
            default:
                BpeTrainingResult result = BpeTrainer.Train(texts, new BpeTrainerOptions { VocabularySize = settings.VocabSize, SpecialTokens = SpecialTokens, Pattern = SplitPattern.Cl100k });
                if (result.Tokenizer.VocabularySize < settings.VocabSize)
                    throw new CratonException($"tokenizer.vocab_size is {settings.VocabSize}, but the corpus allows only {result.Tokenizer.VocabularySize} tokens; use --set tokenizer.vocab_size={result.Tokenizer.VocabularySize} or more text");
                listener.OnMessage($"trained a tokenizer of {result.Tokenizer.VocabularySize:N0} tokens");
                return result.Tokenizer;
        }
    }
}
