using Craton.Tokenizers.Files;

namespace Craton.Tokenizers.Pipeline;

/// <summary>Reads the <c>normalizer</c> of a file.</summary>
internal static class NormalizerReader
{
    private const string Supported = "NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Replace, Prepend, BertNormalizer, Nmt, Precompiled,"
        + " ByteLevel and a Sequence of these";

    /// <summary>Reads the component; null gives one that changes nothing.</summary>
    public static Normalizer Read(JsonFields? component) => component is not { } json ? Normalizer.None : json.Type() switch
    {
        "Sequence" => new SequenceNormalizer([.. json.Require("normalizers").Items().Select(step => Read(step))]),
        "NFC" => new FormNormalizer(compose: true, compatibility: false),
        "NFD" => new FormNormalizer(compose: false, compatibility: false),
        "NFKC" => new FormNormalizer(compose: true, compatibility: true),
        "NFKD" => new FormNormalizer(compose: false, compatibility: true),
        "Lowercase" => new LowercaseNormalizer(),
        "StripAccents" => new StripAccentsNormalizer(),
        "Strip" => new StripNormalizer(json.Flag("strip_left", absent: true), json.Flag("strip_right", absent: true)),
        "Prepend" => new PrependNormalizer(Short(json.Require("prepend"))),
        "Replace" => new ReplaceNormalizer(TextPattern.Read(json.Require("pattern")), Short(json.Require("content"))),
        "Nmt" => new NmtNormalizer(),
        "ByteLevel" => new ByteLevelNormalizer(),
        "Precompiled" => new CharsmapNormalizer(ReadCharsmap(json.Require("precompiled_charsmap"))),
        "BertNormalizer" => ReadBert(json),
        string other => throw json.Unsupported(other, Supported),
    };

    /// <summary>A string that is put into texts: a long one would make them many times larger.</summary>
    private static string Short(JsonFields json) => json.Text().Length <= Charsmap.LongestReplacement
        ? json.Text() : throw json.Error($"has {json.Text().Length} characters, expected at most {Charsmap.LongestReplacement}");

    private static BertNormalizer ReadBert(JsonFields json)
    {
        bool lowercase = json.Flag("lowercase", absent: true);
        return new BertNormalizer(
            json.Flag("clean_text", absent: true),
            json.Flag("handle_chinese_chars", absent: true),
            json.Flag("strip_accents", absent: lowercase),
            lowercase);
    }

    private static Charsmap ReadCharsmap(JsonFields json)
    {
        var bytes = new byte[json.Text().Length];
        if (!Convert.TryFromBase64String(json.Text(), bytes, out int length))
            throw json.Error("is no base64");
        return Charsmap.Parse(bytes.AsSpan(0, length), out string? problem) ?? throw json.Error($"is no charsmap: {problem}");
    }
}
