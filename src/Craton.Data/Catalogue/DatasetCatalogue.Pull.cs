using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Craton.Tensors;

namespace Craton.Data;

/// <summary>Where a pull takes files from and puts them.</summary>
public sealed record PullOptions
{
    /// <summary>A local folder with <c>SET/FILE</c> (or <c>FILE.gz</c>) to copy from; the network is then not used. Null: the environment variable <c>CRATON_DATA</c>, and the network for what is not there. Empty: the network only.</summary>
    public string? From { get; init; }

    /// <summary>The cache; null: <c>CRATON_CACHE</c>, else <c>~/.cache/craton</c>.</summary>
    public string? Cache { get; init; }

    /// <summary>Sends the requests; null: a client of its own.</summary>
    public HttpClient? Http { get; init; }
}

/// <summary>Progress of a pull.</summary>
/// <param name="File">The file under way.</param>
/// <param name="Bytes">Bytes received.</param>
/// <param name="Total">Bytes expected, or null.</param>
public sealed record PullProgress(string File, long Bytes, long? Total);

public static partial class DatasetCatalogue
{
    /// <summary>
    /// Gets a set into the cache: what is there and right stays; the rest comes from the mirror or the network. A download that was
    /// interrupted goes on where it stopped. Each file is compared with its SHA-256 before it gets its name.
    /// </summary>
    /// <returns>The paths of the files, in the order of the set.</returns>
    /// <exception cref="CratonException">The name is unknown, the network or the mirror lacks a file, or a content differs.</exception>
    public static async Task<IReadOnlyList<string>> PullAsync(string name, PullOptions? options = null, IProgress<PullProgress>? progress = null, CancellationToken cancel = default)
    {
        options ??= new PullOptions();
        CatalogueSet set = Sets.FirstOrDefault(s => s.Name == name)
            ?? throw new CratonException($"There is no data set '{name}'; known are {string.Join(", ", Sets.Select(s => s.Name))}.");
        string folder = Path.Combine(options.Cache ?? CacheFolder.Root, "data", set.Name);
        var paths = new List<string>();
        foreach (CatalogueFile file in set.Files)
        {
            string path = Path.Combine(folder, file.Name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            paths.Add(path);
            if (File.Exists(path) && IsRight(path, file)) continue;
            if (MirrorFile(set, file, options) is { } mirror) Accept(mirror, path, file, "the mirror's file");
            else await DownloadAsync(file, path, options.Http, progress, cancel).ConfigureAwait(false);
        }

        return paths;
    }

    private static bool IsRight(string path, CatalogueFile file)
    {
        string hash = HashOf(path);
        return hash == file.Sha256 || hash == file.MirrorSha256;
    }

    private static string HashOf(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private static string? MirrorFile(CatalogueSet set, CatalogueFile file, PullOptions options)
    {
        string? mirror = options.From ?? Environment.GetEnvironmentVariable("CRATON_DATA");
        if (string.IsNullOrEmpty(mirror)) return null;
        string plain = Path.Combine(mirror, set.Name, file.Name);
        if (File.Exists(plain)) return plain;
        if (File.Exists(plain + ".gz")) return plain + ".gz";
        return options.From is null ? null : throw new CratonException($"The mirror '{options.From}' has no '{Path.Combine(set.Name, file.Name)}' (nor with .gz); give a folder with that file, or leave the mirror out to download it.");
    }

    private static async Task DownloadAsync(CatalogueFile file, string path, HttpClient? client, IProgress<PullProgress>? progress, CancellationToken cancel)
    {
        string raw = path + (file.Url.EndsWith(".gz", StringComparison.Ordinal) ? ".download.gz" : ".download");
        using HttpClient? own = client is null ? new HttpClient { Timeout = TimeSpan.FromMinutes(5) } : null;
        try
        {
            await FetchAsync(client ?? own!, file, raw, progress, cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TaskCanceledException && !cancel.IsCancellationRequested)
        {
            throw new CratonException($"'{file.Name}' could not be downloaded from {file.Url} ({e.Message}); check the network and try again (it goes on where it stopped), or give a local folder with the file (--from or CRATON_DATA).", e);
        }

        Accept(raw, path, file, file.Url);
        File.Delete(raw);
    }

    private static async Task FetchAsync(HttpClient client, CatalogueFile file, string raw, IProgress<PullProgress>? progress, CancellationToken cancel)
    {
        long have = File.Exists(raw) ? new FileInfo(raw).Length : 0;
        using var request = new HttpRequestMessage(HttpMethod.Get, file.Url);
        if (have > 0) request.Headers.Range = new RangeHeaderValue(have, null);
        using HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable) return; // it is whole already; the hash decides
        response.EnsureSuccessStatusCode();
        bool resumed = response.StatusCode == HttpStatusCode.PartialContent && response.Content.Headers.ContentRange?.From == have;
        long done = resumed ? have : 0, limit = file.Bytes + (1 << 20);
        await using var target = new FileStream(raw, resumed ? FileMode.Append : FileMode.Create, FileAccess.Write, FileShare.None);
        await using Stream source = await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
        byte[] buffer = new byte[1 << 16];
        for (int n; (n = await source.ReadAsync(buffer, cancel).ConfigureAwait(false)) > 0;)
        {
            await target.WriteAsync(buffer.AsMemory(0, n), cancel).ConfigureAwait(false);
            done += n;
            progress?.Report(new PullProgress(file.Name, done, response.Content.Headers.ContentLength + (resumed ? have : 0)));
            if (done > limit) throw new IOException($"the server sends more than the {file.Bytes} bytes expected");
        }
    }

    /// <summary>Copies (or decompresses) to a temporary name, checks the content, and only then gives it its name.</summary>
    private static void Accept(string source, string path, CatalogueFile file, string origin)
    {
        string part = path + ".part";
        try
        {
            using FileStream input = File.OpenRead(source);
            using FileStream output = File.Create(part);
            if (source.EndsWith(".gz", StringComparison.Ordinal)) CopyBounded(new GZipStream(input, CompressionMode.Decompress), output, file.Bytes);
            else CopyBounded(input, output, file.Bytes);
            output.Flush(flushToDisk: true);
        }
        catch (InvalidDataException e)
        {
            throw Wrong(source, part, file, $"{origin} is damaged gzip data", e);
        }

        if (!IsRight(part, file)) throw Wrong(source, part, file, $"{origin} has the SHA-256 {HashOf(part)}, expected {file.Sha256}", null);
        File.Move(part, path, overwrite: true);
    }

    private static CratonException Wrong(string source, string part, CatalogueFile file, string what, Exception? inner)
    {
        File.Delete(part);
        if (source.Contains(".download", StringComparison.Ordinal)) File.Delete(source); // so that the next pull starts anew
        return new CratonException($"'{file.Name}' was not accepted: {what}; pull it again, and if that does not help the publisher has changed it.", inner!);
    }

    private static void CopyBounded(Stream input, Stream output, long expected)
    {
        byte[] buffer = new byte[1 << 16];
        long done = 0;
        for (int n; done <= expected && (n = input.Read(buffer)) > 0; done += n) output.Write(buffer, 0, n); // one block too many is enough to fail
    }
}
