using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Cli.Tests.Docs;
using Craton.Tensors.IO;
using Xunit.Abstractions;

namespace Craton.Cli.Tests;

/// <summary><c>craton generate</c> over checkpoints of other libraries: the tokens and log-probabilities that those libraries give.</summary>
[Trait("Category", "Golden")]
public sealed class GenerateFixtureTests(ITestOutputHelper output) : IDisposable
{
    private const int Best = 5;

    private readonly Tool _tool = new();
    private readonly List<string> _failures = [];

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void TokensAndLogProbabilitiesAreThoseOfTheReference()
    {
        string folder = Path.Combine(Environment.GetEnvironmentVariable("CRATON_FIXTURES") is { Length: > 0 } root ? root : Path.Combine(Repository.Root, "tests", "fixtures"), "decoders");
        int cases = 0;
        foreach (JsonElement item in Json(Path.Combine(folder, "manifest.json")).GetProperty("cases").EnumerateArray().Where(c => c.GetProperty("kind").GetString() == "decoder"))
        {
            string id = item.GetProperty("id").GetString()!, model = Path.Combine(folder, id);
            JsonElement expect = Json(Path.Combine(model, "expect.json"));
            CheckPrompt(id, model, expect.GetProperty("tolerance").GetProperty("logprob_atol").GetDouble());
            CheckAnswer(id, model, expect.GetProperty("generate"));
            cases++;
        }
        output.WriteLine($"craton generate: {cases} cases, 0 cases skipped");
        Assert.NotEqual(0, cases);
        Assert.True(_failures.Count == 0, string.Join('\n', _failures.Take(12)));
    }

    // The log-probabilities of the prompt and of the best tokens at its places, from the reference's logits.
    private void CheckPrompt(string id, string model, double tolerance)
    {
        using SafetensorsFile io = SafetensorsFile.Open(Path.Combine(model, "io.safetensors"));
        long[] ids = new long[io["full.input_ids"].Count];
        io.Read("full.input_ids", MemoryMarshal.AsBytes(ids.AsSpan()));
        float[] logits = new float[io["full.logits"].Count];
        io.ReadFloats("full.logits", logits);
        int vocabulary = logits.Length / ids.Length;
        JsonArray got = Generate(model, string.Join(',', ids), 0)["prompt_logprobs"]!.AsArray();
        Check(got.Count == ids.Length && got[0]!["logprob"] is null, $"{id}: {got.Count} log-probabilities for {ids.Length} tokens");
        for (int at = 1; at < ids.Length; at++)
        {
            float[] row = logits[((at - 1) * vocabulary)..(at * vocabulary)];
            double most = row.Max(), log = most + Math.Log(row.Sum(v => Math.Exp(v - most)));
            Near(row[ids[at]] - log, got[at]!, $"{id} place {at}");
            float[] best = [.. row.OrderDescending().Take(Best)];
            JsonArray top = got[at]!["top"]!.AsArray();
            Check(top.Count == Best, $"{id} place {at}: {top.Count} best tokens");
            for (int i = 0; i < Best; i++) Near(best[i] - log, top[i]!, $"{id} place {at}, best {i}");
        }

        void Near(double expected, JsonNode entry, string name) =>
            Check(Math.Abs(expected - (double)entry["logprob"]!) <= tolerance, $"{name}: expected {expected:g6}, got {(double)entry["logprob"]!:g6}");
    }

    private void CheckAnswer(string id, string model, JsonElement generate)
    {
        JsonElement item = generate.GetProperty("items")[0];
        JsonObject got = Generate(model, string.Join(',', item.GetProperty("prompt").EnumerateArray()), generate.GetProperty("max_new_tokens").GetInt32());
        string expected = string.Join(' ', item.GetProperty("greedy").EnumerateArray()), tokens = string.Join(' ', got["tokens"]!.AsArray());
        Check(expected == tokens, $"{id} greedy\n  expected {expected}\n  actual   {tokens}");
        Check((string?)got["finish_reason"] == "length", $"{id}: ended by {got["finish_reason"]}");
        Check(got["logprobs"]!.AsArray().All(t => (int)t!["token"]! == (int)t["top"]![0]!["token"]!), $"{id}: a token is not the best of its place");
    }

    private JsonObject Generate(string model, string prompt, int tokens) => _tool.Run(
        "generate", "-m", model, "--prompt-ids", prompt, "--max-tokens", $"{tokens}", "--temperature", "0", "--logprobs", $"{Best}", "--echo", "--json").Json;

    private void Check(bool holds, string failure)
    {
        if (!holds) _failures.Add(failure);
    }

    private static JsonElement Json(string path) => JsonElement.Parse(File.ReadAllBytes(path));
}
