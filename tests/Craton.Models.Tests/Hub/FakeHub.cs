using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Craton.Tests.Hub;

/// <summary>
/// A Hub on loopback with one model, <c>someone/tiny</c>. Large files come by way of a second address, as from a content network. Answers may
/// break off.
/// </summary>
internal sealed class FakeHub : IDisposable
{
    private readonly HttpListener _listener;
    private readonly Dictionary<string, (byte[] Content, bool IsLarge)> _files = new(StringComparer.Ordinal);
    private readonly string _other;

    public FakeHub()
    {
        int port;
        while (true)
        {
            port = Random.Shared.Next(20000, 60000);
            _listener = new HttpListener();
            _listener.Prefixes.Add($"http://127.0.0.1:{port}/");
            _listener.Prefixes.Add($"http://localhost:{port}/");
            try
            {
                _listener.Start();
                break;
            }
            catch (HttpListenerException)
            {
                // The port is taken: another listener at another one.
            }
        }
        Endpoint = $"http://127.0.0.1:{port}";
        _other = $"http://localhost:{port}";
        _ = Task.Run(ServeAsync);
    }

    public string Endpoint { get; }

    /// <summary>The token without which nothing is given.</summary>
    public string? Token { get; set; }

    /// <summary>Bytes after which answers with files break off; null for whole ones.</summary>
    public int? BreakAfter { get; set; }

    /// <summary>What was asked for: path, first byte, and whether a token came with it.</summary>
    public ConcurrentQueue<(string Path, long From, bool HasToken)> Requests { get; } = new();

    public void Put(string path, byte[] content, bool isLarge = false) => _files[path] = (content, isLarge);

    public void Put(string path, string content) => Put(path, Encoding.UTF8.GetBytes(content));

    /// <summary>Changes a content but not what is said about it.</summary>
    public void Damage(string path) => _files[path].Content[^1] ^= 1;

    private string? _listing;

    /// <summary>Fixes the listing as of now.</summary>
    public void Announce() => _listing = new JsonObject
    {
        ["sha"] = new string('c', 40),
        ["siblings"] = new JsonArray([.. _files.Select(JsonNode (file) =>
        {
            var entry = new JsonObject { ["rfilename"] = file.Key, ["size"] = file.Value.Content.Length, ["blobId"] = GitHash(file.Value.Content) };
            if (file.Value.IsLarge) entry["lfs"] = new JsonObject { ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(file.Value.Content)), ["size"] = file.Value.Content.Length };
            return entry;
        })]),
    }.ToJsonString();

    public void Dispose() => _listener.Close();

#pragma warning disable CA5350 // what git uses
    private static string GitHash(byte[] content) => Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]));
#pragma warning restore CA5350

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }
            try
            {
                Answer(context);
            }
            catch (Exception e) when (e is HttpListenerException or IOException)
            {
                // The other side went away.
            }
        }
    }

    private void Answer(HttpListenerContext context)
    {
        string path = context.Request.Url!.AbsolutePath;
        string? token = context.Request.Headers["Authorization"];
        long from = context.Request.Headers["Range"] is { } range ? long.Parse(range["bytes=".Length..].TrimEnd('-'), System.Globalization.CultureInfo.InvariantCulture) : 0;
        Requests.Enqueue((path, from, token is not null));
        bool isContent = path.StartsWith("/content/", StringComparison.Ordinal);
        if (!isContent && Token is not null && token != $"Bearer {Token}") Finish(context, HttpStatusCode.Unauthorized);
        else if (path == "/api/models/someone/tiny/revision/main") Send(context, Encoding.UTF8.GetBytes(_listing!), 0);
        else if (path.StartsWith("/someone/tiny/resolve/", StringComparison.Ordinal) && _files.TryGetValue(path.Split('/', 6)[5], out (byte[] Content, bool IsLarge) file))
        {
            if (file.IsLarge) context.Response.Redirect($"{_other}/content/{path.Split('/', 6)[5]}");
            if (file.IsLarge) context.Response.Close();
            else Send(context, file.Content, from);
        }
        else if (isContent) Send(context, _files[path["/content/".Length..]].Content, from, BreakAfter);
        else Finish(context, HttpStatusCode.NotFound);
    }

    private static void Finish(HttpListenerContext context, HttpStatusCode status)
    {
        context.Response.StatusCode = (int)status;
        context.Response.Close();
    }

    private static void Send(HttpListenerContext context, byte[] content, long from, int? breakAfter = null)
    {
        HttpListenerResponse response = context.Response;
        if (from > 0)
        {
            response.StatusCode = (int)HttpStatusCode.PartialContent;
            response.AddHeader("Content-Range", $"bytes {from}-{content.Length - 1}/{content.Length}");
        }
        response.ContentLength64 = content.Length - from;
        int count = (int)Math.Min(content.Length - from, breakAfter ?? int.MaxValue);
        response.OutputStream.Write(content, (int)from, count);
        if (count < content.Length - from) response.Abort();
        else response.Close();
    }
}
