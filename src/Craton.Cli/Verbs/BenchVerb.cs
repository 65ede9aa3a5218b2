using System.CommandLine;
using Craton.Cli.Bench;
using Craton.Cli.Bench.Versus;
using Craton.Tensors;

namespace Craton.Cli.Verbs;

/// <summary><c>craton bench</c>: this machine's figures, beside its own limits and beside other programs.</summary>
internal sealed class BenchVerb : Verb
{
    private readonly Option<string[]> _only = new("--only") { Description = "Parts to run (products, train, tokenizer, decode), or names of --vs or --growth", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
    private readonly Option<bool> _vs = new("--vs") { Description = "Compare with the peers that are installed here, in alternation" };
    private readonly Option<string?> _profile = new("--profile") { Description = "Time every operation of a training step: tiny, small (default), 124m or unet", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<bool> _growth = new("--growth") { Description = "How step time and memory grow with context, width and depth" };
    private readonly Option<int?> _runs = new("--runs") { Description = "Measurements of each piece" };
    private readonly Option<string?> _peer = new("--peer") { Hidden = true }; // what --vs starts as a process of its own

    public override Command Build()
    {
        var command = new Command("bench", "This machine's figures: products, training, tokenizing, decoding, with its measured limits beside them") { _only, _vs, _profile, _growth, _runs, _peer };
        OnRun(command, (parsed, output) =>
        {
            string[] only = [.. parsed.GetValue(_only)!.SelectMany(part => part.Split(','))];
            int? runs = parsed.GetValue(_runs);
            if (runs < 1) throw new CratonException($"--runs: expected at least 1, got {runs}");
            bool profile = parsed.GetResult(_profile) is not null;
            if ((parsed.GetValue(_vs) ? 1 : 0) + (profile ? 1 : 0) + (parsed.GetValue(_growth) ? 1 : 0) > 1) throw new CratonException("--vs, --profile, --growth: expected one of them");
            if (parsed.GetValue(_peer) is { } work) return OwnPeer.Serve(work);
            if (parsed.GetValue(_vs)) return VersusReport.Run(output, only, runs);
            if (profile) return ProfileReport.Run(output, parsed.GetValue(_profile) ?? "small", runs);
            return parsed.GetValue(_growth) ? GrowthReport.Run(output, only, runs) : FiguresReport.Run(output, only, runs);
        });
        return command;
    }
}
