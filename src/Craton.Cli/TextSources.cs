using Craton.Data;
using Craton.Tensors;
using Craton.Tokenizers;
using Craton.Training.Recipes;

namespace Craton.Cli;

/// <summary>Texts as every verb takes them: <c>dotnet-docs</c>, <c>set:NAME/FILE</c>, files, folders, globs.</summary>
internal static class TextSources
{
    /// <summary>What arguments that name texts say in the help.</summary>
    public const string Help = "dotnet-docs (or dotnet-docs:FOLDER, another .NET installation), set:NAME/FILE of the catalogue, files, folders or globs";

    /// <summary>The documents of sources, one source after the other; records that cannot be read are counted and said.</summary>
    public static IEnumerable<Document> Read(IEnumerable<string> sources, bool linesAreDocuments, SourceReader reader) =>
        sources.SelectMany(source => reader.Documents(source, new TextFileOptions { LinePerDocument = linesAreDocuments }));

    /// <summary>Trains a byte-pair vocabulary of exactly the size asked for.</summary>
    public static BpeTokenizer TrainTokenizer(IEnumerable<string> texts, int size, SplitPattern pattern, IReadOnlyList<string> special)
    {
        int least = special.Count + 256;
        if (size < least) throw new CratonException($"--vocab-size: expected at least {least} (256 bytes and {special.Count} special tokens), got {size}");
        BpeTrainingResult result = BpeTrainer.Train(texts, new BpeTrainerOptions { VocabularySize = size, SpecialTokens = special, Pattern = pattern });
        int reached = result.Tokenizer.VocabularySize;
        return reached == size ? result.Tokenizer
            : throw new CratonException($"--vocab-size is {size}, but the text allows only {reached} tokens; use --vocab-size {reached} or more text");
    }

    /// <summary>A tokenizer from its own directory or file, or from a model or data directory.</summary>
    public static Tokenizer LoadTokenizer(string path)
    {
        string inData = Path.Combine(path, "tokenizer");
        if (File.Exists(Path.Combine(inData, "tokenizer.json"))) path = inData;
        else if (!File.Exists(path) && !Directory.Exists(path))
            throw new CratonException($"'{path}' does not exist; give the directory of a tokenizer, a model or built data, or a tokenizer.json");
        return Tokenizer.Load(path);
    }
}
