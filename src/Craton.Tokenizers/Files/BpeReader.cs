using System.Text.Json;
using Craton.Tokenizers.Bpe;
using Craton.Tokenizers.Pipeline;

namespace Craton.Tokenizers.Files;

/// <summary>Reads a <c>tokenizer.json</c> with byte-pair encoding.</summary>
internal static class BpeReader
{
    /// <summary>Reads the file: as a <see cref="BpeTokenizer"/> where it is byte-level as in known models.</summary>
    public static Tokenizer Read(JsonFields root, JsonFields model)
    {
        if (model.Find("dropout") is { Element: var dropout } && !(dropout.ValueKind == JsonValueKind.Number && dropout.GetDouble() == 0))
            throw model.Unsupported("dropout", "null: encoding is not random here");
        var options = new BpeTextOptions
        {
            Unknown = model.Find("unk_token")?.Text(),
            Prefix = model.Find("continuing_subword_prefix")?.Text(),
            Suffix = model.Find("end_of_word_suffix")?.Text(),
            FuseUnknown = model.Flag("fuse_unk", absent: false),
            ByteFallback = model.Flag("byte_fallback", absent: false),
            IgnoreMerges = model.Flag("ignore_merges", absent: false),
        };
        JsonFields vocabulary = model.Require("vocab");
        string?[] tokens = TokenizerJsonReader.ReadVocabulary(vocabulary, out Dictionary<string, int> ids);
        List<AddedToken> added = TokenizerJsonReader.ReadAddedTokens(root);
        bool isByteLevel = IsByteLevel(root, options);
        TokenizerJsonReader.CheckIds(vocabulary, tokens, ids, added, allowGaps: !isByteLevel);
        List<Merge> merges = ReadMerges(model.Require("merges"), ids, options.Prefix ?? "");
        Components components = Components.Read(root);
        if (!isByteLevel)
            return new PipelineTokenizer(root.File, new BpeTextModel(tokens, merges, options), added, components);

        Normalizer normalizer = NormalizerReader.Read(root.Find("normalizer"));
        // An added token that is looked for in normalised text also decodes to its normalised content.
        IEnumerable<AddedToken> decoded = added.Select(t => t.Normalized ? t with { Content = normalizer.Apply(t.Content) } : t);
        return new BpeTokenizer(root.File, BpeVocabulary.Create(tokens, decoded), merges, options.IgnoreMerges, added, components);
    }

    private static bool IsByteLevel(JsonFields root, BpeTextOptions options) =>
        string.IsNullOrEmpty(options.Prefix) && string.IsNullOrEmpty(options.Suffix) && !options.ByteFallback
        && root.Find("decoder")?.Type() == "ByteLevel" && ByteLevelSplit.Find(root.Find("pre_tokenizer")) is not null;

    private static List<Merge> ReadMerges(JsonFields pairs, Dictionary<string, int> ids, string prefix)
    {
        var merges = new MergeList(ids, pairs.Length(), prefix);
        int number = 0;
        foreach (JsonElement pair in pairs.Element.EnumerateArray())
        {
            if (!TryReadPair(pair, out string left, out string right))
                throw pairs.Item(number, pair).Error($"is {pairs.Item(number, pair).Short()}, expected two tokens");
            if (merges.Add(left, right) is { } problem)
                throw pairs.Item(number, pair).Error(problem);
            number++;
        }

        return merges.Merges;
    }

    /// <summary>A pair is an array of two strings, or in older files one string with a blank between them.</summary>
    private static bool TryReadPair(JsonElement pair, out string left, out string right)
    {
        (left, right) = ("", "");
        if (pair.ValueKind == JsonValueKind.String)
        {
            string text = pair.GetString()!;
            int blank = text.IndexOf(' ', StringComparison.Ordinal);
            if (blank < 0 || text.IndexOf(' ', blank + 1) >= 0)
                return false;
            (left, right) = (text[..blank], text[(blank + 1)..]);
            return true;
        }

        if (pair.ValueKind != JsonValueKind.Array || pair.GetArrayLength() != 2
            || pair[0].ValueKind != JsonValueKind.String || pair[1].ValueKind != JsonValueKind.String)
        {
            return false;
        }

        (left, right) = (pair[0].GetString()!, pair[1].GetString()!);
        return true;
    }
}
