using System.Text.Json;
using Craton.Tokenizers.Bpe;

namespace Craton.Tokenizers.Files;

/// <summary>The two files of GPT-2: a JSON object of token to id, and a list of merges, both in the byte-level alphabet.</summary>
internal static class Gpt2Files
{
    /// <summary>Reads both files.</summary>
    public static BpeTokenizer Load(string vocabularyPath, string mergesPath, IEnumerable<string> specialTokens)
    {
        foreach (string path in new[] { vocabularyPath, mergesPath })
        {
            if (!File.Exists(path))
                throw new TokenizerFileException(path, "does not exist; GPT-2 vocabularies are a JSON vocabulary and a list of merges.");
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(
                File.ReadAllBytes(vocabularyPath), new JsonDocumentOptions { AllowDuplicateProperties = false });
            var vocabulary = new JsonFields(vocabularyPath, document.RootElement, "the vocabulary");
            string?[] tokens = TokenizerJsonReader.ReadVocabulary(vocabulary, out Dictionary<string, int> ids);
            List<AddedToken> added =
                [.. specialTokens.Where(ids.ContainsKey).Select(t => new AddedToken(ids[t], t) { Special = true })];
            TokenizerJsonReader.CheckIds(vocabulary, tokens, ids, added);
            List<Merge> merges = ReadMerges(mergesPath, ids);
            Components components = Components.ByteLevel(SplitPattern.Gpt2, addPrefixSpace: false, nfc: false);
            return new BpeTokenizer(
                vocabularyPath, BpeVocabulary.Create(tokens, added), merges, ignoreMerges: false, added, components);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new TokenizerFileException(vocabularyPath, $"is no valid JSON ({e.Message.TrimEnd('.')}).", e);
        }
    }

    private static List<Merge> ReadMerges(string path, Dictionary<string, int> ids)
    {
        var merges = new MergeList(ids, ids.Count);
        int line = 0;
        foreach (string text in File.ReadLines(path))
        {
            line++;
            if (text.Length == 0 || (line == 1 && text.StartsWith("#version", StringComparison.Ordinal)))
                continue;
            string[] parts = text.Split(' ');
            string? problem = parts.Length == 2 ? merges.Add(parts[0], parts[1]) : $"is \"{text}\", expected two tokens";
            if (problem is not null)
                throw new JsonFields(path, default, $"line {line}").Error(problem);
        }

        return merges.Merges;
    }
}
