using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Craton.Training.Checkpoints;

/// <summary>
/// What a checkpoint consists of: <c>manifest.json</c> with size and SHA-256 of every file. Its own last line is the SHA-256 of
/// the lines before, so that a flipped bit in it is noticed like one in any other file.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record CheckpointManifest(string Format, int Version, long Step, double? Score, IReadOnlyList<CheckpointManifest.Item> Files)
{
    public const string FileName = "manifest.json";
    private const string FormatName = "craton-checkpoint";
    private const int CurrentVersion = 1;
    private const string Seal = ",\n  \"sha256\": \"";
    private const string End = "\"\n}\n";
    private const int MaxBytes = 1 << 20;

    /// <summary>One file.</summary>
    public sealed record Item(string Name, long Bytes, string Sha256);

    public static CheckpointManifest Create(long step, double? score, IReadOnlyList<Item> files) => new(FormatName, CurrentVersion, step, score, files);

    public byte[] ToBytes()
    {
        string body = JsonSerializer.Serialize(this, CheckpointJson.Default.CheckpointManifest)[..^2]; // without "\n}"
        return Encoding.UTF8.GetBytes(body + Seal + Hash(body) + End);
    }

    /// <summary>Reads the manifest in a folder and compares every file with it.</summary>
    /// <exception cref="DamagedCheckpointException">A file is missing, or is not what was saved.</exception>
    /// <exception cref="CratonException">The checkpoint is of a newer version: refused, not damaged.</exception>
    public static CheckpointManifest Verify(string folder, long step)
    {
        CheckpointManifest manifest = Read(Path.Combine(folder, FileName));
        if (manifest.Step != step) throw new DamagedCheckpointException(Path.Combine(folder, FileName), $"it is of step {manifest.Step}");
        foreach (Item item in manifest.Files)
        {
            string path = Path.Combine(folder, item.Name);
            if (!File.Exists(path)) throw new DamagedCheckpointException(path, "it is missing");
            try
            {
                using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 1 << 16);
                if (stream.Length != item.Bytes)
                    throw new DamagedCheckpointException(path, $"expected {item.Bytes} bytes, got {stream.Length}");
                if (Convert.ToHexStringLower(SHA256.HashData(stream)) != item.Sha256)
                    throw new DamagedCheckpointException(path, "its SHA-256 is not that of the manifest");
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new DamagedCheckpointException(path, $"it cannot be read ({error.Message})", error);
            }
        }
        return manifest;
    }

    /// <summary>Reads a manifest without looking at the files.</summary>
    public static CheckpointManifest Read(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            if (stream.Length > MaxBytes)
                throw new DamagedCheckpointException(path, $"expected at most {MaxBytes} bytes, got {stream.Length}");
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            string text = Encoding.UTF8.GetString(bytes);
            int seal = text.LastIndexOf(Seal, StringComparison.Ordinal);
            if (seal < 0 || text[seal..] != Seal + Hash(text[..seal]) + End)
                throw new DamagedCheckpointException(path, "its own SHA-256 is wrong");
            CheckpointManifest manifest = JsonSerializer.Deserialize(text, CheckpointJson.Default.CheckpointVersion)!.Version == CurrentVersion
                ? JsonSerializer.Deserialize(text[..seal] + "\n}", CheckpointJson.Default.CheckpointManifest)!
                : throw new CratonException(
                    $"'{path}' was written by another version of Craton: expected version {CurrentVersion}; resume with the version that wrote it");
            if (manifest.Files.FirstOrDefault(file => file.Name != Path.GetFileName(file.Name)) is { } outside)
                throw new DamagedCheckpointException(path, $"expected plain names of files, got '{outside.Name}'");
            return manifest.Format == FormatName ? manifest : throw new DamagedCheckpointException(path,
                $"expected the format {FormatName}, got {manifest.Format}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new DamagedCheckpointException(path, $"it cannot be read ({error.Message})", error);
        }
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}

/// <summary>What every version of a manifest says.</summary>
internal sealed record CheckpointVersion(int Version);

[JsonSourceGenerationOptions(WriteIndented = true, NewLine = "\n", PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(CheckpointManifest))]
[JsonSerializable(typeof(CheckpointVersion))]
internal sealed partial class CheckpointJson : JsonSerializerContext;
