using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Craton.Cli.Bench.Versus;

/// <summary>llama.cpp's <c>llama-bench</c> at one piece of work, a fresh process for each run.</summary>
/// <param name="program">The program.</param>
/// <param name="model">A GGUF file.</param>
/// <param name="work"><c>prefill</c>, <c>decode</c> or <c>both</c>.</param>
/// <param name="threads">Number of threads.</param>
internal sealed class LlamaBench(string program, string model, string work, int threads)
{
    public const string Name = "llama.cpp";

    /// <summary>Seconds of the work by its own clock, without loading the model and its warm-up, and the most memory it held.</summary>
    /// <exception cref="PeerException">It failed.</exception>
    public (double Seconds, double PeakBytes) Run()
    {
        (string output, long peak) = Start(
            program, "-m", model, "-t", $"{threads}", "-r", "1", "-o", "json", "-p", Tokens("prefill", InferenceComparisons.Prompt), "-n", Tokens("decode", InferenceComparisons.Generated));
        return (JsonNode.Parse(output)!.AsArray().Sum(test => (double)test!["avg_ns"]! * 1e-9), peak);
    }

    /// <summary>Seconds in which its <c>llama-batched-bench</c>, which lies beside it, goes on from several prompts at once.</summary>
    /// <exception cref="PeerException">It failed.</exception>
    public double RunBatched(int texts)
    {
        string batched = Path.Combine(Path.GetDirectoryName(program)!, "llama-batched-bench");
        const int prompt = InferenceComparisons.BatchPrompt, generated = InferenceComparisons.BatchGenerated;
        (string output, _) = Start(
            batched, "-m", model, "-t", $"{threads}", "-c", $"{texts * (prompt + generated)}", "-npp", $"{prompt}", "-ntg", $"{generated}", "-npl", $"{texts}", "--output-format", "jsonl");
        string result = output.Split('\n').FirstOrDefault(line => line.StartsWith('{')) ?? throw new PeerException($"{Name}: '{batched}' gave no result");
        return (double)JsonNode.Parse(result)!["t_tg"]!;
    }

    private static (string Output, long PeakBytes) Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start) ?? throw new PeerException($"{Name}: '{program}' did not start");
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        long peak = 0;
        while (!process.WaitForExit(5)) peak = Math.Max(peak, PeakBytes(process));
        if (process.ExitCode != 0) throw new PeerException($"{Name}: '{program}' failed: {errors.Result.Trim().Split('\n')[^1]}");
        return (output.Result, peak);
    }

    private static long PeakBytes(Process process)
    {
        try
        {
            process.Refresh();
            return process.PeakWorkingSet64;
        }
        catch (InvalidOperationException)
        {
            return 0; // it has ended in between
        }
    }

    private string Tokens(string part, int count) => work == part || work == "both" ? count.ToString(CultureInfo.InvariantCulture) : "0";
}
