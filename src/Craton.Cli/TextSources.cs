using Craton.Data;
using Craton.Tensors;
using Craton.Tokenizers;
using Craton.Training.Recipes;

namespace Craton.Cli;

/// <summary>Texts as every verb takes them: <c>dotnet-docs</c>, <c>set:NAME/FILE</c>, files, folders, globs.</summary>
internal static class TextSources
{
    /// <summary>What arguments that name texts say in the help.</summary>
    public const string Help = "dotnet-docs, set:NAME/FILE of the catalogue, files, folders or globs";

    /// <summary>The documents of sources, one source after the other; records that cannot be read are counted and said.</summary>
    public static IEnumerable<Document> Read(IEnumerable<string> sources, bool linesAreDocuments, Output output)
    {
        foreach (string source in sources)
        {
            if (source == "dotnet-docs")
            {
                foreach (Document document in DotNetDocs.Read()) yield return document;
                continue;
            }
            var files = new TextFiles([Corpus.Resolve(source)], new TextFileOptions { LinePerDocument = linesAreDocuments });
            foreach (Document document in files.Read()) yield return document;
            if (files.Report.Skipped > 0)
                output.Info($"{source}: {files.Report.Skipped:N0} records were left out, the first at {files.Report.Examples[0].File}:{files.Report.Examples[0].Line}: {files.Report.Examples[0].Problem}");
        }
    }

    /// <summary>Trains a byte-pair vocabulary of exactly the size asked for.</summary>
    public static BpeTokenizer TrainTokenizer(IEnumerable<string> texts, int size, SplitPattern pattern, IReadOnlyList<string> special)
    {
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
