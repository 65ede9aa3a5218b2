using Craton.Data;
using Craton.Tensors;
using Craton.Tokenizers;

namespace Craton.Training.Recipes;

/// <summary>Text made ready for training: selected, cleaned, divided, tokenised.</summary>
/// <param name="Tokenizer">The tokenizer.</param>
/// <param name="Train">Training tokens.</param>
/// <param name="Valid">Validation tokens, or null when there are none.</param>
public sealed record Corpus(Tokenizer Tokenizer, TokenStore Train, TokenStore? Valid)
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
    /// <param name="folder">Where tokens go.</param>
    /// <param name="listener">Hears what is done.</param>
    public static Corpus Prepare(DataSettings data, TokenizerSettings tokenizer, string folder, TrainingListener listener)
    {
        if (data.Loader == LoaderKind.Windows) return PrepareText(data, tokenizer, listener);
        if (!File.Exists(Path.Combine(folder, "manifest.json")))
        {
            var splitter = new Splitter(data.ValidFraction, data.TestFraction);
            Document[] documents = [.. Documents(data, listener)];
            Tokenizer made = Make(tokenizer, documents.Where(d => splitter.Of(d) == Split.Train).Select(d => d.Text), listener);
            listener.OnMessage($"encoding {documents.Length:N0} documents");
            ShardBuilder.Build(folder, documents, made, splitter, new ShardOptions { Overwrite = true });
        }
        return Open(folder);
    }

    /// <summary>Prepares a corpus for a model that exists, with its tokenizer.</summary>
    public static Corpus Prepare(DataSettings data, Tokenizer tokenizer, string folder, TrainingListener listener)
    {
        if (data.Loader == LoaderKind.Windows) return Divide(data, tokenizer, Text(data));
        if (!File.Exists(Path.Combine(folder, "manifest.json")))
            ShardBuilder.Build(folder, Documents(data, listener), tokenizer, new Splitter(data.ValidFraction, data.TestFraction), new ShardOptions { Overwrite = true });
        return Open(folder);
    }

    /// <summary>The cleaned documents of a source.</summary>
    public static IEnumerable<Document> Documents(DataSettings data, TrainingListener listener)
    {
        IEnumerable<Document> documents = data.Source == "dotnet-docs" ? DotNetDocs.Read() : new TextFiles([Resolve(data.Source)]).Read();
        if (data.SplitBy == SplitUnit.Document) documents = documents.Select(d => d with { Group = null });
        if (data.LinesAreDocuments) documents = documents.SelectMany(Lines);
        if (data.MaxDocuments > 0) documents = documents.Take(data.MaxDocuments);
        CleaningPipeline? cleaning = data.Cleaning switch
        {
            CleaningPreset.Docs => CleaningPipeline.Docs(),
            CleaningPreset.Web => CleaningPipeline.Web(),
            _ => null,
        };
        if (cleaning is null) return documents;
        Document[] kept = [.. cleaning.Apply(documents)];
        foreach (RuleReport rule in cleaning.Reports)
            if (rule.Seen != rule.Kept) listener.OnMessage($"{rule.Rule}: {rule.Seen - rule.Kept:N0} of {rule.Seen:N0} documents left out");
        return kept;
    }

    private static Corpus Open(string folder)
    {
        var train = new TokenShards(folder, Split.Train);
        bool hasValid = train.Manifest.Splits.ContainsKey("valid");
        return new Corpus(Tokenizer.Load(Path.Combine(folder, "tokenizer")), train, hasValid ? new TokenShards(folder, Split.Valid) : null);
    }

    // One long text: its end is held out, not a share of its documents.
    private static Corpus PrepareText(DataSettings data, TokenizerSettings settings, TrainingListener listener)
    {
        string text = Text(data);
        return Divide(data, Make(settings, [text], listener), text);
    }

    private static string Text(DataSettings data) => string.Concat(Documents(data, TrainingListener.Silent).Select(d => d.Text));

    private static Corpus Divide(DataSettings data, Tokenizer tokenizer, string text)
    {
        int held = (int)(text.Length * data.ValidFraction);
        var train = new MemoryTokens(tokenizer.Encode(text.AsSpan(0, text.Length - held)));
        return new Corpus(tokenizer, train, held > 0 ? new MemoryTokens(tokenizer.Encode(text.AsSpan(text.Length - held))) : null);
    }

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

    /// <summary>The path of a source: <c>set:NAME/FILE</c> is a file of the data catalogue, pulled if need be.</summary>
    /// <exception cref="CratonException">The catalogue has no such file, or it cannot be had.</exception>
    public static string Resolve(string source)
    {
        if (!source.StartsWith("set:", StringComparison.Ordinal)) return source;
        string[] parts = source[4..].Split('/', 2);
        IReadOnlyList<string> files = DatasetCatalogue.PullAsync(parts[0]).GetAwaiter().GetResult();
        return parts.Length == 1 && files.Count == 1 ? files[0]
            : files.FirstOrDefault(f => parts.Length == 2 && Path.GetFileName(f) == parts[1])
            ?? throw new CratonException($"data.source '{source}': expected set:{parts[0]}/FILE with one of {string.Join(", ", files.Select(Path.GetFileName))}");
    }

    private static IEnumerable<Document> Lines(Document document)
    {
        int number = 0;
        foreach (string line in document.Text.Split('\n'))
        {
            number++;
            if (line.Length > 0) yield return new Document($"{document.Id}#{number}", line, $"{document.Source}:{number}");
        }
    }
}
