using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Craton.Tensors;

namespace Craton.Models.Hub;

/// <summary>A file as the Hub describes it.</summary>
/// <param name="Path">Its place in the repository.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">The hash of a large file; null for a small one.</param>
/// <param name="GitBlob">Git's name of a small file's content.</param>
internal sealed record HubFile(string Path, long Bytes, string? Sha256, string? GitBlob)
{
    /// <summary>What the content is known by.</summary>
    public string Identity => Sha256 ?? GitBlob!;

    /// <summary>Reads an entry of the answer to <c>/api/models/…?blobs=true</c>.</summary>
    /// <exception cref="CratonException">It is none, or its path leads out of the repository.</exception>
    public static HubFile Parse(JsonElement entry)
    {
        string path = entry.GetProperty("rfilename").GetString() ?? "";
        if (path.Length is 0 or > 1024 || path.StartsWith('/') || path.Contains('\\', StringComparison.Ordinal) || path.Split('/').Any(part => part is "" or "." or "..") || path.Any(char.IsControl))
            throw new CratonException($"the Hub lists a file named '{path}', which is no path within a repository; the model is not pulled");
        JsonElement large = entry.TryGetProperty("lfs", out JsonElement lfs) && lfs.ValueKind == JsonValueKind.Object ? lfs : default;
        bool isLarge = large.ValueKind == JsonValueKind.Object;
        string? hash = Hex(isLarge ? large : entry, isLarge ? "sha256" : "blobId", isLarge ? 64 : 40);
        long bytes = (isLarge ? large : entry).TryGetProperty("size", out JsonElement size) && size.TryGetInt64(out long value) ? value : -1;
        if (hash is null || bytes < 0) throw new CratonException($"the Hub gives no size and hash of '{path}'; without them nothing is pulled");
        return new HubFile(path, bytes, isLarge ? hash : null, isLarge ? null : hash);
    }

    /// <summary>Whether a local file has this content.</summary>
    public bool IsAt(string local)
    {
        if (!File.Exists(local) || new FileInfo(local).Length != Bytes) return false;
        using FileStream stream = File.OpenRead(local);
        return Convert.ToHexStringLower(Sha256 is null ? GitHash(stream) : SHA256.HashData(stream)) == Identity;
    }

    // Git names a content by the SHA-1 of its kind, its size and itself.
    private byte[] GitHash(Stream stream)
    {
#pragma warning disable CA5350 // the hash that the Hub publishes for files that are kept in git
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
#pragma warning restore CA5350
        hash.AppendData(Encoding.ASCII.GetBytes($"blob {Bytes}\0"));
        byte[] buffer = new byte[1 << 16];
        for (int n; (n = stream.Read(buffer)) > 0;) hash.AppendData(buffer, 0, n);
        return hash.GetHashAndReset();
    }

    private static string? Hex(JsonElement from, string name, int length) =>
        from.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String && value.GetString() is { } text && text.Length == length && text.All(char.IsAsciiHexDigitLower) ? text : null;
}
