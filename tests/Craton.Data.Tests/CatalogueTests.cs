using System.Net;
using System.Net.Http.Headers;
using Craton.Tensors;
using Xunit.Abstractions;

namespace Craton.Data.Tests;

public class CatalogueTests(ITestOutputHelper output)
{
    /// <summary>Serves one content, with ranges, and may break off.</summary>
    private sealed class Server(byte[] content) : HttpMessageHandler
    {
        public List<long?> Ranges { get; } = [];

        public int? BreakAfter { get; set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            long? from = request.Headers.Range?.Ranges.Single().From;
            Ranges.Add(from);
            if (from >= content.Length) return Task.FromResult(new HttpResponseMessage(HttpStatusCode.RequestedRangeNotSatisfiable));
            byte[] part = content[(int)(from ?? 0)..];
            var response = new HttpResponseMessage(from is null ? HttpStatusCode.OK : HttpStatusCode.PartialContent);
            response.Content = new StreamContent(BreakAfter is { } limit ? new Breaking(part, limit) : new MemoryStream(part));
            if (from is { } start) response.Content.Headers.ContentRange = new ContentRangeHeaderValue(start, content.Length - 1, content.Length);
            return Task.FromResult(response);
        }
    }

    private sealed class Breaking(byte[] content, int limit) : MemoryStream(content)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Position >= limit ? throw new IOException("connection reset") : base.ReadAsync(buffer[..Math.Min(buffer.Length, limit - (int)Position)], cancellationToken);
    }

    // Only the real file has the hash that the catalogue asks for.
    private static byte[] Names()
    {
        string? data = Environment.GetEnvironmentVariable("CRATON_DATA");
        string path = Path.Combine(data ?? "", "names", "names.txt");
        return data is not null && File.Exists(path) ? File.ReadAllBytes(path) : [];
    }

    [Fact]
    public void Entries_are_complete()
    {
        Assert.True(DatasetCatalogue.Sets.Count >= 12);
        Assert.Equal(DatasetCatalogue.Sets.Count, DatasetCatalogue.Sets.Select(s => s.Name).Distinct().Count());
        foreach (CatalogueFile file in DatasetCatalogue.Sets.SelectMany(s => s.Files))
        {
            Assert.Matches("^[0-9a-f]{64}$", file.Sha256);
            Assert.StartsWith("https://", file.Url, StringComparison.Ordinal);
            Assert.True(file.Bytes > 0);
            Assert.Matches("^[\\w-]+(\\.[\\w-]+)*(/[\\w-]+(\\.[\\w-]+)*)?$", file.Name); // within its folder on every system
        }
    }

    [Fact]
    public async Task An_interrupted_download_goes_on_and_wrong_content_is_refused()
    {
        using var folder = new TempFolder();
        byte[] content = Names();
        bool real = content.Length > 0;
        if (!real) content = new byte[200_000]; // of the wrong hash: the refusal is tested then
        using var server = new Server(content) { BreakAfter = 70_000 };
        using var http = new HttpClient(server);
        var options = new PullOptions { Cache = folder.Root, Http = http, From = "" };
        Assert.Contains("names.txt", (await Assert.ThrowsAsync<CratonException>(() => DatasetCatalogue.PullAsync("names", options))).Message, StringComparison.Ordinal);
        server.BreakAfter = null;
        if (real)
        {
            string path = Assert.Single(await DatasetCatalogue.PullAsync("names", options));
            Assert.Equal(content, await File.ReadAllBytesAsync(path));
            Assert.Equal([null, 70_000], server.Ranges);
            Assert.Equal([path], Directory.GetFiles(Path.GetDirectoryName(path)!));
            await DatasetCatalogue.PullAsync("names", options);
            Assert.Equal(2, server.Ranges.Count); // nothing is fetched again
        }
        else
        {
            Assert.Contains("SHA-256", (await Assert.ThrowsAsync<CratonException>(() => DatasetCatalogue.PullAsync("names", options))).Message, StringComparison.Ordinal);
            output.WriteLine("CRATON_DATA is not set: only the refusal of wrong content was tested.");
        }
    }

    [Fact]
    public async Task Unknown_names_missing_mirrors_and_no_network_are_one_sentence()
    {
        using var folder = new TempFolder();
        using var http = new HttpClient(new Offline());
        Assert.Contains("tinyshakespeare", (await Assert.ThrowsAsync<CratonException>(() => DatasetCatalogue.PullAsync("nothing"))).Message, StringComparison.Ordinal);
        Assert.Contains("mirror", (await Assert.ThrowsAsync<CratonException>(() => DatasetCatalogue.PullAsync("names", new PullOptions { From = folder.Root, Cache = folder.Root }))).Message, StringComparison.Ordinal);
        Assert.Contains("--from", (await Assert.ThrowsAsync<CratonException>(() => DatasetCatalogue.PullAsync("mbpp", new PullOptions { From = "", Cache = folder.Root, Http = http }))).Message, StringComparison.Ordinal);
        folder.File("names/names.txt", "wrong");
        Assert.Contains("SHA-256", (await Assert.ThrowsAsync<CratonException>(() => DatasetCatalogue.PullAsync("names", new PullOptions { From = folder.Root, Cache = folder.At("cache") }))).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder.At("cache"), "*", SearchOption.AllDirectories));
    }

    private sealed class Offline : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => throw new HttpRequestException("no route to host");
    }
}
