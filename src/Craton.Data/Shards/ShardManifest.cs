using System.Text.Json;
using System.Text.Json.Serialization;

namespace Craton.Data;

/// <summary>One pair of shard files.</summary>
/// <param name="File">Token ids, little-endian: <c>train-00000.bin</c>. Beside it lies the <c>.idx</c> file: for each document the place of its first token in the shard, and last the number of tokens, as unsigned 64-bit little-endian numbers.</param>
/// <param name="Documents">Documents in it.</param>
/// <param name="Tokens">Tokens in it.</param>
/// <param name="Sha256">Of the <c>.bin</c> file, lower-case hexadecimal.</param>
/// <param name="IndexSha256">Of the <c>.idx</c> file.</param>
public sealed record ShardFile(string File, long Documents, long Tokens, string Sha256, string IndexSha256);

/// <summary>One split.</summary>
/// <param name="Documents">Documents.</param>
/// <param name="Tokens">Tokens, end-of-text tokens included.</param>
/// <param name="Bytes">UTF-8 bytes of the texts: what bits per byte are counted over.</param>
/// <param name="Shards">The files.</param>
public sealed record ShardSplit(long Documents, long Tokens, long Bytes, IReadOnlyList<ShardFile> Shards);

/// <summary>The <c>manifest.json</c> of a folder of token shards. It is written last, so a folder with a manifest is complete.</summary>
/// <param name="Version">Version of this layout; 1.</param>
/// <param name="Dtype"><c>u16</c> for vocabularies of at most 65,536 ids, else <c>u32</c>.</param>
/// <param name="VocabularySize">Of the tokenizer.</param>
/// <param name="TokenizerSha256">Of the <c>tokenizer/tokenizer.json</c> in the folder.</param>
/// <param name="EndOfText">The id that ends each document, or null.</param>
/// <param name="Splits">The splits that have documents: <c>train</c>, <c>valid</c>, <c>test</c>.</param>
public sealed record ShardManifest(
    int Version, string Dtype, int VocabularySize, string TokenizerSha256, int? EndOfText, IReadOnlyDictionary<string, ShardSplit> Splits)
{
    internal const int CurrentVersion = 1;
    internal const string FileName = "manifest.json";

    /// <summary>Reads the manifest of a folder.</summary>
    /// <exception cref="DataFileException">There is none, it is damaged or of a later version.</exception>
    public static ShardManifest Load(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) throw new DataFileException(folder, "", "holds no token shards (manifest.json is missing); build them with 'craton data build'.");
        try
        {
            using FileStream stream = File.OpenRead(path);
            ShardManifest? manifest = JsonSerializer.Deserialize(stream, ManifestJson.Default.ShardManifest);
            if (manifest is null || manifest.Version != CurrentVersion || manifest.Dtype is not ("u16" or "u32"))
                throw new DataFileException(path, "", $"is of version {manifest?.Version} and type '{manifest?.Dtype}', expected version {CurrentVersion} and 'u16' or 'u32'; build the data again.");
            return manifest;
        }
        catch (JsonException e)
        {
            throw new DataFileException(path, $"line {e.LineNumber + 1}", $"no valid manifest ({JsonRows.Short(e)}); build the data again.", e);
        }
    }

    internal byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, ManifestJson.Default.ShardManifest);
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ShardManifest))]
internal sealed partial class ManifestJson : JsonSerializerContext;
