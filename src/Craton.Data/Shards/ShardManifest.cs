using System.Text.Json;
using System.Text.Json.Serialization;

namespace Craton.Data;

/// <summary>What a folder of token shards holds: <c>manifest.json</c>, written last.</summary>
/// <param name="Version">Version of the format.</param>
/// <param name="TokenType">Type of a stored id: <c>u16</c> or <c>u32</c>, little-endian.</param>
/// <param name="VocabularySize">Ids are below it.</param>
/// <param name="EndOfText">The id stored after every document, or null when documents follow each other without one.</param>
/// <param name="Source">The key of what it was made from: equal keys, equal bytes.</param>
/// <param name="Splits">The parts by name: <c>train</c>, <c>valid</c>, <c>test</c>.</param>
public sealed record ShardManifest(
    int Version, string TokenType, int VocabularySize, int? EndOfText, string Source, SortedDictionary<string, ShardSplit> Splits)
{
    /// <summary>The version this code writes.</summary>
    public const int CurrentVersion = 1;
}

/// <summary>One split of a token data set.</summary>
/// <param name="Documents">Number of documents.</param>
/// <param name="Tokens">Number of stored ids, ends of documents included.</param>
/// <param name="Bytes">UTF-8 bytes of the text.</param>
/// <param name="Shards">The files in order.</param>
public sealed record ShardSplit(long Documents, long Tokens, long Bytes, IReadOnlyList<ShardFile> Shards);

/// <summary>One pair of files: ids, and where documents begin.</summary>
/// <param name="Name">Name without extension; <c>.bin</c> holds ids, <c>.idx</c> the first id of every document and the number of ids, as u64.</param>
/// <param name="Documents">Documents in it.</param>
/// <param name="Tokens">Ids in it.</param>
/// <param name="Sha256">Hash of the ids file, hexadecimal.</param>
public sealed record ShardFile(string Name, long Documents, long Tokens, string Sha256);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ShardManifest))]
[JsonSerializable(typeof(LoaderState))]
internal sealed partial class DataJson : JsonSerializerContext;
