using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Craton.Cli.Bench.Versus;

/// <summary>llama.cpp's <c>llama-server</c>, asked by several clients at once.</summary>
internal sealed class LlamaServer : IDisposable
{
    public const string Name = "llama.cpp's server";

    private const int Room = 32; // tokens of a slot beyond prompt and answer
    private static readonly TimeSpan Start = TimeSpan.FromMinutes(2), Poll = TimeSpan.FromMilliseconds(100);

    private readonly Process _process;
    private readonly HttpClient _client;
    private readonly int _clients;

    /// <summary>Starts the server and waits until it answers.</summary>
    /// <param name="program">The program.</param>
    /// <param name="model">A GGUF file with a vocabulary.</param>
    /// <param name="clients">Clients that will ask at once.</param>
    /// <param name="threads">Number of threads.</param>
    /// <exception cref="PeerException">It did not start.</exception>
    public LlamaServer(string program, string model, int clients, int threads)
    {
        _clients = clients;
        int port = FreePort(), context = clients * (InferenceComparisons.BatchPrompt + InferenceComparisons.BatchGenerated + Room);
        string[] arguments = ["-m", model, "-t", $"{threads}", "-np", $"{clients}", "-c", $"{context}", "--host", "127.0.0.1", "--port", $"{port}"];
        _process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true }) ?? throw new PeerException($"{Name}: '{program}' did not start");
        _process.BeginOutputReadLine(); // what it says is not read, but must go somewhere
        _process.BeginErrorReadLine();
        _client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromMinutes(10) };
        if (IsReady()) return;
        Dispose();
        throw new PeerException($"{Name}: '{program}' does not answer; is it of the same version as llama-bench?");
    }

    /// <summary>Seconds until every client has its answers, one after the other.</summary>
    /// <exception cref="PeerException">A request failed, or an answer is too short.</exception>
    public double Run()
    {
        try
        {
            return InferenceComparisons.SecondsOfClients(_clients, Ask);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            throw new PeerException($"{Name} failed: {e.Message}");
        }
    }

    public void Dispose()
    {
        _client.Dispose();
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private async Task<int> Ask(int[] prompt)
    {
        var request = new JsonObject
        {
            ["prompt"] = new JsonArray([.. prompt.Select(id => (JsonNode)id)]),
            ["n_predict"] = InferenceComparisons.BatchGenerated,
            ["temperature"] = 0,
            ["ignore_eos"] = true,
        };
        using var content = new StringContent(request.ToJsonString(), Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await _client.PostAsync(new Uri("/completion", UriKind.Relative), content).ConfigureAwait(false);
        response.EnsureSuccessStatusCode();
        return (int)JsonNode.Parse(await response.Content.ReadAsStringAsync().ConfigureAwait(false))!["tokens_predicted"]!;
    }

    private bool IsReady()
    {
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < Start && !_process.HasExited; Thread.Sleep(Poll))
            try
            {
                using HttpResponseMessage response = _client.Send(new HttpRequestMessage(HttpMethod.Get, "/health"));
                if (response.IsSuccessStatusCode) return true;
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }
        return false;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
