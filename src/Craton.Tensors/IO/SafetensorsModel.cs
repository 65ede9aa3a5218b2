using System.Text.Json;

namespace Craton.Tensors.IO;

/// <summary>
/// The weights of a model as they lie in a Hugging Face folder: <c>model.safetensors</c>, or several shards with
/// <c>model.safetensors.index.json</c>. A single file may be named too.
/// </summary>
public sealed class SafetensorsModel : IDisposable
{
    /// <summary>The name of the only file.</summary>
    public const string FileName = "model.safetensors";

    /// <summary>The name of the index of shards.</summary>
    public const string IndexName = "model.safetensors.index.json";

    private const long MaxIndexBytes = 100_000_000;
    private readonly SortedDictionary<string, SafetensorsFile> byTensor = new(StringComparer.Ordinal);
    private readonly List<SafetensorsFile> shards = [];

    private SafetensorsModel() { }

    /// <summary>The names of all tensors in ordinal order.</summary>
    public IReadOnlyCollection<string> Names => byTensor.Keys;

    /// <summary>The files, in ordinal order of their names.</summary>
    public IReadOnlyList<SafetensorsFile> Shards => shards;

    /// <summary>The file that holds a tensor; null when there is no such tensor.</summary>
    public SafetensorsFile? FileOf(string name) => byTensor.GetValueOrDefault(name);

    /// <summary>Opens a folder, an index or a single file.</summary>
    /// <exception cref="ModelFileException">Something of it is missing, contradictory or invalid.</exception>
    public static SafetensorsModel Open(string path)
    {
        if (Directory.Exists(path))
        {
            string single = Path.Combine(path, FileName), index = Path.Combine(path, IndexName);
            path = File.Exists(single) ? single : File.Exists(index) ? index
                : throw new ModelFileException(path, 0,
                    $"expected {FileName} or {IndexName} in this folder; convert other formats to safetensors");
        }
        var model = new SafetensorsModel();
        try
        {
            if (path.EndsWith(".index.json", StringComparison.Ordinal)) model.AddShards(path);
            else model.Add(SafetensorsFile.Open(path));
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Closes all files.</summary>
    public void Dispose() => shards.ForEach(shard => shard.Dispose());

    private void Add(SafetensorsFile file)
    {
        shards.Add(file);
        foreach (SafetensorsEntry entry in file.Tensors)
        {
            if (!byTensor.TryAdd(entry.Name, file))
                throw new ModelFileException(file.Path, entry.Offset,
                    $"tensor '{entry.Name}' is also in '{byTensor[entry.Name].Path}'; a tensor belongs to one shard");
        }
    }

    private void AddShards(string indexPath)
    {
        SortedDictionary<string, string> map = ReadIndex(indexPath);
        string folder = Path.GetDirectoryName(Path.GetFullPath(indexPath))!;
        foreach (string shard in map.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            if (shard.Length == 0 || shard.AsSpan().ContainsAny("/\\:\0") || shard is "." or "..")
                throw new ModelFileException(indexPath, 0, $"expected the plain name of a file beside the index as shard, got '{shard}'");
            Add(SafetensorsFile.Open(Path.Combine(folder, shard)));
        }
        foreach ((string tensor, string shard) in map)
        {
            if (FileOf(tensor) is not { } file || Path.GetFileName(file.Path) != shard)
                throw new ModelFileException(indexPath, 0,
                    $"tensor '{tensor}' is said to be in '{shard}' but is not; the shards are of different versions, fetch them again");
        }
        if (byTensor.Keys.FirstOrDefault(name => !map.ContainsKey(name)) is { } unknown)
            throw new ModelFileException(indexPath, 0,
                $"tensor '{unknown}' in '{byTensor[unknown].Path}' is not in the index; the shards are of different versions, fetch them again");
    }

    private static SortedDictionary<string, string> ReadIndex(string path)
    {
        using var handle = ModelFile.Open(path);
        long length = RandomAccess.GetLength(handle);
        if (length > MaxIndexBytes)
            throw new ModelFileException(path, 0, $"expected an index of at most {MaxIndexBytes} bytes, got {length}");
        byte[] bytes = new byte[length];
        ModelFile.ReadExactly(handle, path, bytes, 0);
        try
        {
            using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("weight_map", out JsonElement weights)
                || weights.ValueKind != JsonValueKind.Object)
                throw new ModelFileException(path, 0, "expected an object 'weight_map' from tensors to files");
            var map = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (JsonProperty entry in weights.EnumerateObject())
            {
                if (entry.Value.ValueKind != JsonValueKind.String)
                    throw new ModelFileException(path, 0, $"expected the name of a file for tensor '{entry.Name}'");
                map.Add(entry.Name, entry.Value.GetString()!);
            }
            return map;
        }
        catch (JsonException error)
        {
            throw new ModelFileException(path, error.BytePositionInLine ?? 0,
                $"the index is not valid JSON (line {error.LineNumber + 1}), or a name occurs twice in it", error);
        }
        catch (InvalidOperationException error) // half of a surrogate pair, escaped
        {
            throw new ModelFileException(path, 0, "a string of the index is not valid Unicode", error);
        }
    }
}
