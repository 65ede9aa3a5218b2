using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Craton.Data;
using Craton.Tensors;
using Craton.Tokenizers;
using Craton.Training.Recipes;
using Spectre.Console;

namespace Craton.Cli.Verbs;

// 'data build', and how what cleaning did is shown.
internal sealed partial class DataVerb
{
    private Command BuildShards()
    {
        var size = new Option<int?>("--vocab-size") { Description = "Train a byte-pair vocabulary of this size on the training split, instead of --tokenizer" };
        var folder = new Option<string>("--out") { Description = "Folder of token shards to create", Required = true };
        var valid = new Option<double>("--valid-fraction") { Description = "Share of documents held out for validation", DefaultValueFactory = _ => 0.02 };
        var test = new Option<double>("--test-fraction") { Description = "Share of documents held out for the final evaluation", DefaultValueFactory = _ => 0.02 };
        var command = new Command("build", "Select, clean, divide and encode text into token shards") { _sources, _lines, _cleaning, _tokenizer, size, folder, valid, test, _overwrite };
        OnRun(command, (parsed, output) =>
        {
            string target = parsed.GetValue(folder)!;
            RefuseExisting(target, parsed.GetValue(_overwrite));
            if (parsed.GetValue(_tokenizer) is null == parsed.GetValue(size) is null)
                throw new CratonException("data build: expected either --tokenizer DIR or --vocab-size N");
            Tokenizer? given = parsed.GetValue(_tokenizer) is { } path ? TextSources.LoadTokenizer(path) : null;
            var splitter = new Splitter(parsed.GetValue(valid), parsed.GetValue(test));
            CleaningPipeline cleaning = Cleaning(parsed);
            var reader = new SourceReader(output.Info);
            Document[] documents = [.. cleaning.Apply(TextSources.Read(parsed.GetValue(_sources)!, parsed.GetValue(_lines), reader))];
            if (!output.IsJson) ShowRules(cleaning.Reports, examples: false);
            Tokenizer tokenizer = given ?? TextSources.TrainTokenizer(
                documents.Where(d => splitter.Of(d) == Split.Train).Select(d => d.Text), parsed.GetValue(size)!.Value, SplitPattern.Cl100k, Corpus.SpecialTokens);
            var statistics = new DataStatistics(tokenizer);
            ShardBuilder.Build(target, statistics.Watch(documents), tokenizer, splitter, new ShardOptions
            {
                Overwrite = parsed.GetValue(_overwrite),
                Page = () => StatisticsPage.Render(statistics.Summary(cleaning.Reports, reader.Report), $"Data in {Path.GetFileName(Path.GetFullPath(target))}"),
            });
            string page = Path.Combine(target, StatisticsPage.FileName);
            JsonObject json = Shards(target, verify: false);
            json["data_dir"] = target;
            json["statistics"] = page;
            json["unreadable"] = reader.Report.Skipped;
            json["cleaning"] = Rules(cleaning.Reports);
            output.Result(json);
            if (output.IsJson) return 0;
            ShowShards(json);
            output.Line($"Data:       {target}");
            output.Line($"Statistics: {page}");
            return 0;
        });
        return command;
    }

    private static void ShowShards(JsonObject json)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("split", "documents", "tokens", "bytes", "bytes per token");
        foreach ((string name, JsonNode? split) in json["splits"]!.AsObject())
            table.AddRow(name, N((long)split!["documents"]!), N((long)split["tokens"]!), N((long)split["bytes"]!), ((double)split["bytes_per_token"]!).ToString("F2", CultureInfo.InvariantCulture));
        AnsiConsole.Write(table);
    }

    private static void ShowStatistics(StatisticsSummary summary, bool examples)
    {
        var table = new Table().Border(TableBorder.None).HideHeaders().AddColumns("", "");
        table.AddRow("documents", N(summary.Documents)).AddRow("UTF-8 bytes", N(summary.Bytes)).AddRow("characters", N(summary.Characters)).AddRow("words", N(summary.Words));
        if (summary.Tokens is { } tokens) table.AddRow("tokens", $"{N(tokens)} ({((double)summary.Bytes / Math.Max(1, tokens)).ToString("F2", CultureInfo.InvariantCulture)} bytes each)");
        table.AddRow("duplicate texts", Percent(summary.DuplicateShare)).AddRow("scripts", Shares(summary.Scripts)).AddRow("languages", Shares(summary.Languages));
        AnsiConsole.Write(table);
        ShowRules(summary.Cleaning, examples);
    }

    private static void ShowRules(IReadOnlyList<RuleReport> rules, bool examples)
    {
        if (rules.Count == 0) return;
        var table = new Table().Border(TableBorder.Rounded).AddColumns("rule", "in", "out", "what it did");
        foreach (RuleReport rule in rules)
        {
            IEnumerable<string> what = rule.DroppedByReason.Select(r => $"{r.Key}: {N(r.Value)} dropped").Concat(rule.ChangedByReason.Select(r => $"{r.Key}: {N(r.Value)} changed"));
            table.AddRow(new Text(rule.Rule), new Text(N(rule.Seen)), new Text(N(rule.Kept)), new Text(string.Join('\n', what)));
        }
        AnsiConsole.Write(table);
        if (!examples) return;
        foreach (RuleReport rule in rules)
            foreach (RuleExample example in rule.Examples)
                Console.WriteLine($"{rule.Rule}, {example.Reason}, {example.Id}: {example.Text.ReplaceLineEndings("⏎")}");
    }

    private static string Shares(IReadOnlyDictionary<string, double> shares) =>
        string.Join(", ", shares.OrderByDescending(s => s.Value).ThenBy(s => s.Key, StringComparer.Ordinal).Take(5).Select(s => $"{s.Key} {Percent(s.Value)}"));

    private static string N(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Percent(double share) => (100 * share).ToString("F1", CultureInfo.InvariantCulture) + " %";
}
