using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Data;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tokenizers;
using Craton.Training.Recipes;
using Spectre.Console;

namespace Craton.Cli.Verbs;

/// <summary><c>craton data list | pull | build | inspect | dedup | scenes | clips | check-scene</c>: from public sets and own files to tokens, and scenes to look at.</summary>
internal sealed partial class DataVerb : Verb
{
    private static readonly string[] Presets = ["docs", "web", "none"];

    private readonly Argument<string[]> _sources = new("SOURCE") { Description = TextSources.Help, Arity = ArgumentArity.OneOrMore };
    private readonly Option<bool> _lines = new("--lines") { Description = "Every line of a .txt file is a document" };
    private readonly Option<string> _cleaning = new Option<string>("--cleaning") { Description = "Cleaning rules", DefaultValueFactory = _ => Presets[0] }.AcceptOnlyFromAmong(Presets);
    private readonly Option<string?> _tokenizer = new("--tokenizer") { Description = "A tokenizer, a model or built data" };
    private readonly Option<bool> _overwrite = new("--overwrite") { Description = "Replace what is there" };

    public override Command Build() => new("data", "Get, clean, make and look at training data") { List(), Pull(), BuildShards(), Inspect(), Dedup(), Scenes(), Clips(), CheckScene() };

    private static Command List()
    {
        var command = new Command("list", "The public data sets known by name");
        OnRun(command, (_, output) =>
        {
            output.Result(new JsonObject
            {
                ["sets"] = new JsonArray([.. DatasetCatalogue.Sets.Select(JsonNode (s) => new JsonObject
                {
                    ["name"] = s.Name,
                    ["description"] = s.Description,
                    ["licence"] = s.Licence,
                    ["format"] = s.Format,
                    ["bytes"] = s.Files.Sum(f => f.Bytes),
                    ["files"] = new JsonArray([.. s.Files.Select(f => (JsonNode)f.Name)]),
                })]),
            });
            if (output.IsJson) return 0;
            var table = new Table().Border(TableBorder.Rounded).AddColumns("name", "what", "licence", "MB");
            foreach (CatalogueSet set in DatasetCatalogue.Sets) table.AddRow(new Text(set.Name), new Text(set.Description), new Text(set.Licence), new Text($"{set.Files.Sum(f => f.Bytes) / 1e6:F1}"));
            AnsiConsole.Write(table);
            output.Line("'craton data pull NAME' gets a set; dotnet-docs, this machine's own .NET API documentation, is always there.");
            return 0;
        });
        return command;
    }

    private static Command Pull()
    {
        var name = new Argument<string>("NAME") { Description = "A set of 'craton data list'" };
        var from = new Option<string?>("--from") { Description = "A local folder with the set's files instead of the network" };
        var command = new Command("pull", "Get a public data set into the cache and compare it with its SHA-256") { name, from };
        OnRun(command, (parsed, output) =>
        {
            var progress = new PullView(output);
            IReadOnlyList<string> files = DatasetCatalogue.PullAsync(parsed.GetValue(name)!, new PullOptions { From = parsed.GetValue(from) }, progress).GetAwaiter().GetResult();
            output.Result(new JsonObject { ["files"] = new JsonArray([.. files.Select(f => (JsonNode)f)]) });
            if (!output.IsJson) foreach (string file in files) output.Line(file);
            return 0;
        });
        return command;
    }

    private Command Inspect()
    {
        var examples = new Option<bool>("--examples") { Description = "Show examples of what the cleaning drops and changes" };
        var verify = new Option<bool>("--verify") { Description = "Compare built data with its SHA-256 (reads all of it)" };
        var command = new Command("inspect", "What built data or texts are made of, and what cleaning would leave out") { _sources, _lines, _cleaning, _tokenizer, examples, verify };
        OnRun(command, (parsed, output) =>
        {
            string[] sources = parsed.GetValue(_sources)!;
            JsonObject json;
            if (sources.Length == 1 && DurableDirectory.Find(sources[0]) is { } folder && File.Exists(Path.Combine(folder, "manifest.json")))
            {
                json = Shards(folder, parsed.GetValue(verify));
                if (!output.IsJson) ShowShards(json);
            }
            else
            {
                StatisticsSummary summary = Statistics(parsed, sources, output);
                json = JsonNode.Parse(summary.ToJson())!.AsObject();
                if (!output.IsJson) ShowStatistics(summary, parsed.GetValue(examples));
            }
            output.Result(json);
            return 0;
        });
        return command;
    }

    private StatisticsSummary Statistics(ParseResult parsed, string[] sources, Output output)
    {
        CleaningPipeline cleaning = Cleaning(parsed);
        Tokenizer? tokenizer = parsed.GetValue(_tokenizer) is { } path ? TextSources.LoadTokenizer(path) : null;
        // Statistics of the text as it is; the rules see it on the way.
        var statistics = new DataStatistics(tokenizer);
        var reader = new SourceReader(output.Info);
        foreach (Document _ in cleaning.Apply(statistics.Watch(TextSources.Read(sources, parsed.GetValue(_lines), reader)))) { }
        return statistics.Summary(cleaning.Reports, reader.Report);
    }

    private static JsonObject Shards(string folder, bool verify)
    {
        ShardManifest manifest = ShardManifest.Load(folder);
        if (verify)
            foreach (string split in manifest.Splits.Keys)
                using (new TokenShards(folder, Enum.Parse<Split>(split, ignoreCase: true), verify: true)) { }
        return new JsonObject
        {
            ["vocab_size"] = manifest.VocabularySize,
            ["dtype"] = manifest.Dtype,
            ["tokenizer_sha256"] = manifest.TokenizerSha256,
            ["verified"] = verify,
            ["splits"] = new JsonObject(manifest.Splits.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => KeyValuePair.Create(s.Key, (JsonNode?)new JsonObject
            {
                ["documents"] = s.Value.Documents,
                ["tokens"] = s.Value.Tokens,
                ["bytes"] = s.Value.Bytes,
                ["bytes_per_token"] = Output.Number((double)s.Value.Bytes / s.Value.Tokens),
            }))),
        };
    }

    private Command Dedup()
    {
        var target = new Option<string>("--out") { Description = "JSON lines of id, text, source", Required = true };
        var threshold = new Option<double>("--threshold") { Description = "Texts at least this similar (Jaccard, of word 5-grams) are duplicates", DefaultValueFactory = _ => 0.8 };
        var command = new Command("dedup", "Leave out equal and nearly equal documents; the first of each stays") { _sources, _lines, target, threshold, _overwrite };
        OnRun(command, (parsed, output) =>
        {
            string file = parsed.GetValue(target)!;
            RefuseExisting(file, parsed.GetValue(_overwrite));
            var cleaning = new CleaningPipeline(new ExactDedup(), new MinHashDedup(new MinHashOptions { Threshold = parsed.GetValue(threshold) }));
            var reader = new SourceReader(output.Info);
            Document[] kept = [.. cleaning.Apply(TextSources.Read(parsed.GetValue(_sources)!, parsed.GetValue(_lines), reader))];
            DurableFile.Write(file, stream =>
            {
                foreach (Document document in kept)
                    Output.WriteRow(stream, new JsonObject { ["id"] = document.Id, ["text"] = document.Text, ["source"] = document.Source });
            });
            output.Result(new JsonObject { ["file"] = file, ["documents"] = kept.Length, ["unreadable"] = reader.Report.Skipped, ["cleaning"] = Rules(cleaning.Reports) });
            if (output.IsJson) return 0;
            ShowRules(cleaning.Reports, examples: false);
            output.Line($"{kept.Length:N0} documents: {file}");
            return 0;
        });
        return command;
    }

    private CleaningPipeline Cleaning(ParseResult parsed) => parsed.GetValue(_cleaning) switch
    {
        "docs" => CleaningPipeline.Docs(),
        "web" => CleaningPipeline.Web(),
        _ => new CleaningPipeline(),
    };

    private static void RefuseExisting(string path, bool overwrite)
    {
        if (!overwrite && (File.Exists(path) || Directory.Exists(path))) throw new CratonException($"'{path}' exists already; choose another name, or add --overwrite");
    }

    private static JsonArray Rules(IReadOnlyList<RuleReport> rules) => new([.. rules.Select(JsonNode (r) => new JsonObject
    {
        ["rule"] = r.Rule,
        ["seen"] = r.Seen,
        ["kept"] = r.Kept,
        ["dropped"] = new JsonObject(r.DroppedByReason.Select(d => KeyValuePair.Create(d.Key, (JsonNode?)d.Value))),
        ["changed"] = new JsonObject(r.ChangedByReason.Select(c => KeyValuePair.Create(c.Key, (JsonNode?)c.Value))),
    })]);

    private sealed class PullView(Output output) : IProgress<PullProgress>
    {
        public void Report(PullProgress value) => output.Status($"{value.File}  {value.Bytes / 1e6:F1} MB{(value.Total is { } total ? $" of {total / 1e6:F1}" : "")}");
    }
}
