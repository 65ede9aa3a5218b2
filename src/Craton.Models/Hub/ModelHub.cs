using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Craton.Tensors;

namespace Craton.Models.Hub;

/// <summary>
/// Pulls models from the Hugging Face Hub into a folder of this machine. A file gets its name when its size and hash are those that the Hub
/// states; a download that was interrupted goes on where it stopped; what is here and right is not fetched again.
/// </summary>
/// <param name="options">Where from and where to.</param>
/// <param name="http">Sends the requests.</param>
public sealed class ModelHub(HubOptions options, HttpClient http)
{
    private const int LongestListing = 16 << 20;

    // What a model needs beside its weights.
    private static readonly string[] s_kinds = [".json", ".txt", ".model", ".jinja", ".safetensors"];

    /// <summary>Where a pulled model lies: its folder, or its GGUF file; null when it is not here.</summary>
    public static string? Find(HubName name, HubOptions options)
    {
        string folder = FolderOf(name, options);
        if (name.File is null && File.Exists(Path.Combine(folder, "config.json"))) return folder;
        if (!Directory.Exists(folder)) return null;
        string[] files = [.. Directory.EnumerateFiles(folder, "*.gguf", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        string[] meant = [.. files.Where(file => Means(name, Path.GetRelativePath(folder, file)))];
        return meant.Length == 1 ? meant[0] : null;
    }

    /// <summary>The place of a model that is named by a path, or by <c>owner/name</c> after it was pulled.</summary>
    public static string Resolve(string model) =>
        File.Exists(model) || Directory.Exists(model) || HubName.TryParse(model) is not { } name ? model : Find(name, new HubOptions()) ?? model;

    /// <summary>Pulls a model.</summary>
    /// <param name="name">Which.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancel">Stops; what was fetched is kept.</param>
    /// <returns>Its folder, or its GGUF file.</returns>
    /// <exception cref="CratonException">There is no such model, access is refused, it has no weights that can be read, the network fails, or a
    /// content is not the one that was announced.</exception>
    public async Task<string> PullAsync(HubName name, IProgress<HubProgress>? progress = null, CancellationToken cancel = default)
    {
        if (options.Offline)
            return Find(name, options) ?? throw new CratonException($"'{name}' is not on this machine, and the network is not to be used; pull it without --offline (and HF_HUB_OFFLINE) first");
        string folder = FolderOf(name, options);
        try
        {
            (string commit, HubFile[] all) = await ListAsync(name, cancel).ConfigureAwait(false);
            HubFile[] files = Choose(name, all);
            CheckRoom(folder, files);
            long total = files.Sum(file => file.Bytes), done = 0;
            foreach (HubFile file in files)
            {
                string local = Path.Combine(folder, file.Path);
                if (!file.IsAt(local)) await FetchAsync(name, commit, file, local, bytes => progress?.Report(new HubProgress(file.Path, done + bytes, total)), cancel).ConfigureAwait(false);
                done += file.Bytes;
                progress?.Report(new HubProgress(file.Path, done, total));
            }
            return files is [{ Path: var only }] && IsGguf(only) ? Path.Combine(folder, only) : folder;
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is TaskCanceledException && !cancel.IsCancellationRequested))
        {
            throw new CratonException($"'{name}' could not be pulled from {options.Endpoint} ({e.Message.TrimEnd('.')}); check the network and pull again: it goes on where it stopped", e);
        }
    }

    private static string FolderOf(HubName name, HubOptions options) => Path.Combine(options.Folder, name.Owner, name.Name);

    private static bool IsGguf(string path) => path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase);

    private static bool Means(HubName name, string path) =>
        name.File is null || path == name.File || Path.GetFileName(path).Contains(Path.GetFileName(name.File), StringComparison.OrdinalIgnoreCase);

    private async Task<(string Commit, HubFile[] Files)> ListAsync(HubName name, CancellationToken cancel)
    {
        using HttpResponseMessage response = await SendAsync($"{options.Endpoint}/api/models/{name.Repository}/revision/{Uri.EscapeDataString(options.Revision)}?blobs=true", 0, cancel).ConfigureAwait(false);
        Refuse(name, response.StatusCode);
        using var body = new MemoryStream();
        await using (Stream stream = await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false))
            await CopyAsync(stream, body, LongestListing, null, cancel).ConfigureAwait(false);
        try
        {
            using JsonDocument listing = JsonDocument.Parse(body.GetBuffer().AsMemory(0, (int)body.Length));
            return (listing.RootElement.GetProperty("sha").GetString()!, [.. listing.RootElement.GetProperty("siblings").EnumerateArray().Select(HubFile.Parse)]);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new CratonException($"{options.Endpoint} does not answer as the Hub does ({e.Message.TrimEnd('.')}); check HF_ENDPOINT", e);
        }
    }

    // The weights of a directory with what belongs to it, or one GGUF file. The configuration comes last: where it is, the model is whole.
    private static HubFile[] Choose(HubName name, HubFile[] all)
    {
        HubFile[] gguf = [.. all.Where(file => IsGguf(file.Path) && Means(name, file.Path))];
        if (name.File is null && all.Any(file => file.Path == "config.json") && all.Any(file => file.Path.EndsWith(".safetensors", StringComparison.Ordinal)))
            return [.. all.Where(IsPart).OrderBy(file => file.Path == "config.json").ThenBy(file => file.Path, StringComparer.Ordinal)];
        if (gguf.Length > 1 && Array.Find(gguf, file => file.Path == name.File) is { } exact) gguf = [exact];
        if (gguf.Length == 1) return gguf;
        string known = string.Join(", ", all.Where(file => IsGguf(file.Path)).Select(file => file.Path).Take(20));
        if (gguf.Length > 1) throw new CratonException($"'{name}' means several files: {string.Join(", ", gguf.Select(file => file.Path).Take(20))}; name one, as in {name.Repository}:{gguf[0].Path}");
        throw new CratonException(known.Length > 0
            ? $"'{name.Repository}' has no file '{name.File}'; it has {known}"
            : $"'{name.Repository}' has no weights as safetensors or GGUF; weights of other kinds (.bin, .pt, .h5) are not read: convert them to safetensors");
    }

    // Files of the model itself, at the top or in the folders that modules.json of a sentence encoder names (1_Pooling).
    private static bool IsPart(HubFile file)
    {
        string[] parts = file.Path.Split('/');
        bool isPlace = parts.Length == 1 || (parts.Length == 2 && parts[0].Length > 2 && char.IsAsciiDigit(parts[0][0]) && parts[0][1] == '_');
        return isPlace && s_kinds.Contains(Path.GetExtension(file.Path)) || (parts is ["chat_templates" or "additional_chat_templates", _] && file.Path.EndsWith(".jinja", StringComparison.Ordinal));
    }

    private static void CheckRoom(string folder, HubFile[] files)
    {
        Directory.CreateDirectory(folder);
        long wanted = files.Where(file => !File.Exists(Path.Combine(folder, file.Path))).Sum(file => file.Bytes), free = new DriveInfo(folder).AvailableFreeSpace;
        if (wanted > free) throw new CratonException($"'{folder}' has room for {free / 1e9:F1} GB, but the model needs {wanted / 1e9:F1} GB more; free some, or put CRATON_CACHE elsewhere");
    }

    private async Task FetchAsync(HubName name, string commit, HubFile file, string local, Action<long> report, CancellationToken cancel)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(local)!);
        string part = $"{local}.{file.Identity[..12]}.part"; // of this very content
        long have = File.Exists(part) ? new FileInfo(part).Length : 0;
        if (have < file.Bytes || file.Bytes == 0)
        {
            string path = string.Join('/', file.Path.Split('/').Select(Uri.EscapeDataString));
            using HttpResponseMessage response = await SendAsync($"{options.Endpoint}/{name.Repository}/resolve/{commit}/{path}", have, cancel).ConfigureAwait(false);
            Refuse(name, response.StatusCode);
            bool resumed = response.StatusCode == HttpStatusCode.PartialContent && response.Content.Headers.ContentRange?.From == have;
            if (!resumed) have = 0;
            await using var target = new FileStream(part, resumed ? FileMode.Append : FileMode.Create, FileAccess.Write, FileShare.None);
            await using Stream source = await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
            await CopyAsync(source, target, file.Bytes - have, bytes => report(have + bytes), cancel).ConfigureAwait(false);
            target.Flush(flushToDisk: true);
        }
        if (!file.IsAt(part))
        {
            long got = new FileInfo(part).Length;
            if (got >= file.Bytes) File.Delete(part); // so that the next pull begins anew
            throw new CratonException(got < file.Bytes
                ? $"'{file.Path}' of {name.Repository} came to an end after {got} of {file.Bytes} bytes; pull again: it goes on where it stopped"
                : $"'{file.Path}' of {name.Repository} is not what the Hub announced (its hash differs), so it was not kept; pull again, and if that does not help the mirror or the model is damaged");
        }
        File.Move(part, local, overwrite: true);
    }

    private async Task<HttpResponseMessage> SendAsync(string address, long from, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (from > 0) request.Headers.Range = new RangeHeaderValue(from, null);
        if (options.Token is { } token) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token); // redirects do not carry it on
        return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel).ConfigureAwait(false);
    }

    private void Refuse(HubName name, HttpStatusCode status)
    {
        switch (status)
        {
            case HttpStatusCode.OK or HttpStatusCode.PartialContent:
                return;
            case HttpStatusCode.NotFound:
                throw new CratonException($"{options.Endpoint} has no model '{name.Repository}' with a revision '{options.Revision}'; check the name");
            case HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden:
                throw new CratonException($"{options.Endpoint} does not give access to '{name.Repository}'{(options.Token is null ? "" : " with the token in HF_TOKEN")}: it does not exist, is private, or its terms are to be accepted on its page; put a token that may read it in HF_TOKEN");
            default:
                throw new HttpRequestException($"the answer was {(int)status} {status}");
        }
    }

    // At most so many bytes: a server that sends more is not asked for the rest.
    private static async Task CopyAsync(Stream source, Stream target, long most, Action<long>? report, CancellationToken cancel)
    {
        byte[] buffer = new byte[1 << 16];
        long done = 0;
        for (int n; (n = await source.ReadAsync(buffer, cancel).ConfigureAwait(false)) > 0; report?.Invoke(done))
        {
            done += n;
            if (done > most) throw new IOException($"the server sends more than the {most} bytes expected");
            await target.WriteAsync(buffer.AsMemory(0, n), cancel).ConfigureAwait(false);
        }
    }
}
