using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Craton.Models;
using Spectre.Console;

namespace Craton.Cli.Verbs;

/// <summary><c>craton show MODEL</c>: what a model is, where it comes from, and what memory it takes.</summary>
internal sealed class ShowVerb : Verb
{
    private const int BytesOfFloat = 4;

    private readonly Argument<string> _model = new("MODEL") { Description = "A model directory" };

    private readonly Option<bool> _verify = new("--verify") { Description = "Compare every file with the SHA-256 it was saved with" };

    public override Command Build()
    {
        var command = new Command("show", "A model's configuration, lineage, parameters and memory") { _model, _verify };
        OnRun(command, (parsed, output) =>
        {
            string folder = parsed.GetValue(_model)!;
            ModelCard? card = ModelDirectory.LoadCard(folder); // refuses what is no model directory
            bool verify = parsed.GetValue(_verify);
            if (verify) ModelDirectory.Verify(folder);
            CausalLanguageModel model = ModelDirectory.LoadShape(folder);
            DecoderConfig config = model.Config;
            long parameters = model.ParameterCount;
            long perToken = 2L * config.NumHiddenLayers * config.NumKeyValueHeads * config.HeadDim * BytesOfFloat;
            var json = new JsonObject
            {
                ["model_dir"] = folder,
                ["parameters"] = parameters,
                ["memory"] = new JsonObject
                {
                    ["weights_bytes"] = parameters * BytesOfFloat,
                    ["kv_cache_bytes_per_token"] = perToken,
                    ["kv_cache_bytes_full_context"] = perToken * config.MaxPositionEmbeddings,
                },
                ["config"] = model.Source!.Config,
                ["verified"] = verify,
                ["lineage"] = card is null ? null : Lineage(card),
            };
            output.Result(json);
            if (!output.IsJson) Show(output, config, parameters, card, perToken);
            return 0;
        });
        return command;
    }

    private static JsonObject Lineage(ModelCard card) => new()
    {
        ["kind"] = card.Kind,
        ["base_model"] = card.BaseModel,
        ["sha256"] = new JsonObject(card.Hashes.Select(h => KeyValuePair.Create(h.Key, (JsonNode?)h.Value))),
        ["metrics"] = new JsonObject(card.Metrics.Select(m => KeyValuePair.Create(m.Key, (JsonNode?)m.Value))),
        ["license"] = card.License,
        ["code_version"] = card.CodeVersion,
        ["recipe"] = card.Recipe,
    };

    private static void Show(Output output, DecoderConfig config, long parameters, ModelCard? card, long perToken)
    {
        var table = new Table().Border(TableBorder.None).HideHeaders().AddColumns("", "");
        Row("parameters", N(parameters));
        Row("shape", $"{config.NumHiddenLayers} blocks, width {config.HiddenSize}, {config.NumAttentionHeads} heads ({config.NumKeyValueHeads} key/value), feed-forward {config.IntermediateSize}");
        Row("vocabulary", N(config.VocabSize));
        Row("context", $"{N(config.MaxPositionEmbeddings)} tokens");
        Row("memory", $"{Megabytes(parameters * BytesOfFloat)} of weights, {Megabytes(perToken * config.MaxPositionEmbeddings)} of keys and values for a full context");
        Row("made by", card is null ? "unknown (no craton.json)" : card.BaseModel is { } from ? $"{card.Kind} from {from}" : card.Kind);
        foreach ((string name, double value) in card?.Metrics ?? new Dictionary<string, double>()) Row(name.Replace('_', ' '), value.ToString("F4", CultureInfo.InvariantCulture));
        foreach ((string name, string hash) in card?.Hashes ?? new Dictionary<string, string>()) Row($"SHA-256 of {name}", hash);
        if (card?.License is { } license) Row("licence", license);
        if (card?.CodeVersion is { } version) Row("code version", version);
        AnsiConsole.Write(table);
        if (card?.Recipe is not { } recipe) return;
        output.Line();
        output.Line(recipe.TrimEnd());

        void Row(string name, string value) => table.AddRow(new Text(name), new Text(value));
    }

    private static string N(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Megabytes(long bytes) => (bytes / 1e6).ToString("F1", CultureInfo.InvariantCulture) + " MB";
}
