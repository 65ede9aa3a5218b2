using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Craton.Models.Hub;

namespace Craton.Cli.Verbs;

/// <summary><c>craton pull owner/name[:file]</c>: a model from the Hugging Face Hub, into the cache of this machine.</summary>
internal sealed class PullVerb : Verb
{
    private readonly Argument<string> _name = new("NAME") { Description = "owner/name, or owner/name:file for one of several GGUF files (a part of its name such as Q4_K_M is enough)" };
    private readonly Option<string> _revision = new("--revision") { Description = "Branch, tag or commit", DefaultValueFactory = _ => "main" };
    private readonly Option<bool> _offline = new("--offline") { Description = "Only say where the model is that was pulled before" };

    public override Command Build()
    {
        var command = new Command("pull", "Get a model from the Hugging Face Hub; HF_TOKEN, HF_ENDPOINT and HF_HUB_OFFLINE are respected") { _name, _revision, _offline };
        OnRun(command, (parsed, output) =>
        {
            var name = HubName.Parse(parsed.GetValue(_name)!);
            var options = new HubOptions { Revision = parsed.GetValue(_revision)! };
            if (parsed.GetValue(_offline)) options = options with { Offline = true };
            using var http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
            using var interrupt = new CancellationTokenSource();
            Console.CancelKeyPress += (_, pressed) =>
            {
                pressed.Cancel = true;
                interrupt.Cancel();
            };
            string place;
            try
            {
                place = new ModelHub(options, http).PullAsync(name, new View(output), interrupt.Token).GetAwaiter().GetResult();
            }
            catch (OperationCanceledException)
            {
                output.Info("stopped; pull again and it goes on where it stopped");
                return 130;
            }
            output.Result(new JsonObject { ["name"] = name.ToString(), ["model"] = place });
            if (!output.IsJson) output.Line($"{place}\nuse it as -m {name}");
            return 0;
        });
        return command;
    }

    private sealed class View(Output output) : IProgress<HubProgress>
    {
        private readonly long _start = Stopwatch.GetTimestamp();
        private long _first = -1;

        public void Report(HubProgress value)
        {
            if (_first < 0) _first = value.Bytes;
            double seconds = Stopwatch.GetElapsedTime(_start).TotalSeconds, rate = (value.Bytes - _first) / Math.Max(seconds, 1e-3);
            string left = rate > 0 ? $"{TimeSpan.FromSeconds((value.Total - value.Bytes) / rate):h\\:mm\\:ss} left" : "";
            output.Status($"{value.File}  {value.Bytes / 1e6:F1} of {value.Total / 1e6:F1} MB  {rate / 1e6:F1} MB/s  {left}");
        }
    }
}
