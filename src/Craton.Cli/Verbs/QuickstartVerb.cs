using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Craton.Cli.Quickstart;
using Craton.Data;
using Craton.Models;
using Craton.Tensors;
using Craton.Training;
using Craton.Training.Recipes;
using Craton.Training.Reports;
using Spectre.Console;

namespace Craton.Cli.Verbs;

/// <summary>
/// <c>craton quickstart</c>: the whole lifecycle on this machine's own .NET API documentation. Select and clean, train a tokenizer,
/// pre-train, tune on questions, evaluate on held-out members, answer.
/// </summary>
internal sealed class QuickstartVerb : Verb
{
    private readonly Option<double> _minutes = new("--minutes") { Description = "Time to spend; the model is scaled to it and to the machine", DefaultValueFactory = _ => 3 };
    private readonly Option<string> _out = new("--out") { Description = "Folder of models, runs and the report; a re-run continues there", DefaultValueFactory = _ => "quickstart" };

    public override Command Build()
    {
        var command = new Command("quickstart", "The whole lifecycle, from raw text to a model that answers, on this machine's own .NET API documentation") { _minutes, _out };
        OnRun(command, (parsed, output) => Run(parsed.GetValue(_minutes), parsed.GetValue(_out)!, (long)(parsed.GetValue(CommandLine.Seed) ?? 1), output));
        return command;
    }

    private static int Run(double minutes, string folder, long seed, Output output)
    {
        if (minutes is not (> 0 and <= 100_000)) throw new CratonException($"--minutes: expected a time above 0, got {minutes}");
        Directory.CreateDirectory(folder);
        var usage = new QuickstartUsage(folder);
        QuickstartPlan plan = usage.GoOn("plan", _ => QuickstartPlan.LoadOrMake(folder, minutes, output));
        using var stop = new StopSignal();

        output.Info("1/5  select and clean text, train a tokenizer, pre-train");
        PretrainRecipe pretraining = plan.Pretraining(seed);
        string pretrained = Path.Combine(folder, "pretrain", "model"), tuned = Path.Combine(folder, "sft", "model");
        if (!Directory.Exists(pretrained) && usage.GoOn("pretrain", tick => Pretrain.Run(pretraining, Options(tick))).ModelFolder is null) return Stopped(output, folder);

        output.Info("2/5  tune on questions and answers made from the documentation");
        SftRecipe tuning = plan.Tuning(seed, pretrained);
        if (!Directory.Exists(tuned) && usage.GoOn("sft", tick => Sft.Run(tuning, Options(tick))).ModelFolder is null) return Stopped(output, folder);

        output.Info("3/5  evaluate on held-out members, beside a unigram, a byte 5-gram and Brotli");
        QuickstartScores scores = usage.Anew("evaluate", () => QuickstartEvaluation.Score(TextModel.LoadForInference(pretrained), Path.Combine(folder, "pretrain", "data"), plan.TestDocuments));

        output.Info("4/5  answer held-out questions");
        IReadOnlyList<QuickstartAnswer> answers = usage.Anew("answer", () => QuickstartEvaluation.Ask(tuned, tuning.Data));

        output.Info("5/5  write the report");
        double rate = MetricsLog.Read(Path.Combine(folder, "pretrain"), MetricsLog.TimingFile)[^1]["tokens_per_second"] ?? 0;
        string report = WriteReport(folder, plan, scores, answers);
        output.Result(new JsonObject
        {
            ["bits_per_byte"] = new JsonObject { ["model"] = scores.Model, ["unigram"] = scores.Unigram, ["ngram5"] = scores.Ngram5, ["brotli"] = scores.Brotli },
            ["tokens_per_second"] = rate,
            ["seconds"] = usage.Seconds,
            ["peak_rss_mb"] = usage.PeakMegabytes,
            ["model_dir"] = tuned,
            ["pretrained_dir"] = pretrained,
            ["report"] = report,
            ["answers"] = new JsonArray([.. answers.Select(a => new JsonObject { ["question"] = a.Question, ["answer"] = a.Answer, ["truth"] = a.Truth })]),
        });
        if (!output.IsJson) Show(scores, answers, rate, usage, tuned, report);
        return 0;

        RunOptions Options(Action tick) => new(folder, Resume: true, new TrainingView(output, _ => tick()), stop) { Sample = Sampling.Write };
    }

    private static int Stopped(Output output, string folder)
    {
        output.Info($"Stopped and saved; 'craton quickstart --out {folder}' goes on from here.");
        output.Result(new JsonObject { ["stopped"] = true });
        return 0;
    }

    private static string WriteReport(string folder, QuickstartPlan plan, QuickstartScores scores, IReadOnlyList<QuickstartAnswer> answers)
    {
        var report = new HtmlReport("Quickstart", "A language model of this machine's .NET API documentation, from raw text to answers");
        report.KeyValues(("minutes", F(plan.Minutes, "G")), ("depth", $"{plan.Depth}"), ("vocabulary", $"{plan.Vocabulary}"), ("pre-training steps", $"{plan.PretrainSteps}"), ("tuning steps", $"{plan.SftSteps}"));
        report.Heading("Bits per byte of held-out members: lower is better");
        report.Plot(SvgPlot.Bars("Bits per byte", [.. Rows(scores)]));
        report.Heading("Five questions about members that training has not seen");
        foreach (QuickstartAnswer answer in answers) report.Table(["", ""], [["question", answer.Question], ["model", answer.Answer], ["documentation", answer.Truth]]);
        report.Heading("More")
            .Link("The course of pre-training", "pretrain/report.html").Link("The course of tuning", "sft/report.html")
            .Link("The text: what it is made of, and what each rule of cleaning left out", "pretrain/data/statistics.html");
        string path = Path.Combine(folder, "report.html");
        report.Save(path);
        return path;
    }

    private static void Show(QuickstartScores scores, IReadOnlyList<QuickstartAnswer> answers, double rate, QuickstartUsage usage, string model, string report)
    {
        var table = new Table().Border(TableBorder.Rounded).Title("Bits per byte of held-out members (lower is better)").AddColumns("", "bits per byte");
        foreach ((string name, double value) in Rows(scores)) table.AddRow(name, F(value, "F3"));
        AnsiConsole.Write(table);
        foreach (QuickstartAnswer answer in answers)
        {
            AnsiConsole.WriteLine();
            AnsiConsole.MarkupLineInterpolated($"[bold]{answer.Question}[/]");
            AnsiConsole.MarkupLineInterpolated($"  model: {answer.Answer}");
            AnsiConsole.MarkupLineInterpolated($"  [grey]truth: {answer.Truth}[/]");
        }
        Console.WriteLine();
        Console.WriteLine($"{F(usage.Seconds, "F0")} s, {F(rate, "N0")} tokens/s in pre-training, {usage.PeakMegabytes} MB at most. Report: {report}");
        Console.WriteLine("Next:");
        Console.WriteLine($"  craton chat -m {model}");
        Console.WriteLine($"  craton generate -m {Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(model))!, "pretrain", "model")} \"Method System.String.\"");
        Console.WriteLine("  craton train recipes/docs-30m.yaml");
    }

    private static (string Name, double Value)[] Rows(QuickstartScores scores) =>
        [("this model", scores.Model), ("byte 5-gram (interpolated)", scores.Ngram5), ("Brotli", scores.Brotli), ("unigram over tokens", scores.Unigram)];

    private static string F(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
