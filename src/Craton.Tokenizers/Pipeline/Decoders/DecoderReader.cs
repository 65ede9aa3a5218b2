using System.Text;
using Craton.Tokenizers.Files;

namespace Craton.Tokenizers.Pipeline;

/// <summary>Reads the <c>decoder</c> of a file.</summary>
internal static class DecoderReader
{
    private const string Supported =
        "ByteLevel, WordPiece, Metaspace, BPEDecoder, ByteFallback, Fuse, Strip, Replace, CTC and a Sequence of these";

    /// <summary>Reads the component; null gives one that joins tokens with blanks.</summary>
    public static Decoder Read(JsonFields? component) => component is not { } json ? new BlankDecoder() : json.Type() switch
    {
        "Sequence" => new SequenceDecoder([.. json.Require("decoders").Items().Select(step => Read(step))]),
        "ByteLevel" => new ByteLevelDecoder(),
        "ByteFallback" => new ByteFallbackDecoder(),
        "Fuse" => new FuseDecoder(),
        "WordPiece" => new WordPieceDecoder(Text(json, "prefix", "##"), json.Flag("cleanup", absent: true)),
        "Metaspace" => new MetaspaceDecoder(
            new Rune(PreTokenizerReader.Character(json, "replacement")).ToString(), PreTokenizerReader.Scheme(json) == PrependScheme.Never),
        "BPEDecoder" => new BpeSuffixDecoder(Text(json, "suffix", "</w>")),
        "Strip" => new StripDecoder(
            new Rune(PreTokenizerReader.Character(json, "content")).ToString(), json.Require("start").Id(), json.Require("stop").Id()),
        "Replace" => new ReplaceDecoder(TextPattern.Read(json.Require("pattern")), json.Require("content").Text()),
        "CTC" => ReadCtc(json),
        string other => throw json.Unsupported(other, Supported),
    };

    private static CtcDecoder ReadCtc(JsonFields json)
    {
        string pad = Text(json, "pad_token", "<pad>"), delimiter = Text(json, "word_delimiter_token", "|");
        if (pad.Length == 0 || delimiter.Length == 0)
            throw json.Error("has an empty pad_token or word_delimiter_token");
        return new CtcDecoder(pad, delimiter, json.Flag("cleanup", absent: true));
    }

    private static string Text(JsonFields json, string field, string absent) => json.Find(field)?.Text() ?? absent;
}
