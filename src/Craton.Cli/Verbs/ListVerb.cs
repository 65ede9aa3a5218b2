using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Craton.Models;
using Craton.Tensors;
using Spectre.Console;

namespace Craton.Cli.Verbs;

/// <summary><c>craton list [FOLDER…]</c>: the models in folders and in the runs there.</summary>
internal sealed class ListVerb : Verb
{
    private static readonly string[] Usual = ["runs", "quickstart"];

    private readonly Argument<string[]> _folders = new("FOLDER") { Description = $"Folders to look in (default: {string.Join(", ", Usual)})", Arity = ArgumentArity.ZeroOrMore };

    private sealed record Found(string Folder, string Kind, long Parameters, double? BitsPerByte, string? Problem);

    public override Command Build()
    {
        var command = new Command("list", "The models in folders: kind, parameters, bits per byte") { _folders };
        OnRun(command, (parsed, output) =>
        {
            string[] given = parsed.GetValue(_folders)!;
            if (Array.Find(given, f => !Directory.Exists(f)) is { } missing) throw new CratonException($"'{missing}' is no folder; give one that holds models or runs");
            Found[] models = [.. (given.Length > 0 ? given : Usual.Where(Directory.Exists)).SelectMany(Models).Select(Read)];
            output.Result(new JsonObject
            {
                ["models"] = new JsonArray([.. models.Select(JsonNode (m) => new JsonObject
                {
                    ["model_dir"] = m.Folder,
                    ["kind"] = m.Kind,
                    ["parameters"] = m.Parameters,
                    ["bits_per_byte"] = m.BitsPerByte,
                    ["problem"] = m.Problem,
                })]),
            });
            if (!output.IsJson) Show(output, models);
            return 0;
        });
        return command;
    }

    // The folder itself, what lies in it, and the models of runs in it.
    private static IEnumerable<string> Models(string folder) =>
        Directory.GetDirectories(folder).Order(StringComparer.Ordinal).SelectMany(d => new[] { d, Path.Combine(d, "model") })
            .Prepend(folder).Where(d => File.Exists(Path.Combine(d, "config.json")));

    private static Found Read(string folder)
    {
        try
        {
            ModelCard? card = ModelDirectory.LoadCard(folder);
            double? bits = card is not null && card.Metrics.TryGetValue("bits_per_byte", out double value) ? value : null;
            return new Found(folder, card?.Kind ?? "imported", ModelDirectory.LoadShape(folder).ParameterCount, bits, null);
        }
        catch (CratonException e)
        {
            return new Found(folder, "?", 0, null, e.Message);
        }
    }

    private static void Show(Output output, Found[] models)
    {
        if (models.Length == 0) output.Line("No models here; 'craton quickstart' makes one in minutes.");
        else
        {
            var table = new Table().Border(TableBorder.Rounded).AddColumns("model", "kind", "parameters", "bits per byte");
            foreach (Found model in models)
                table.AddRow(new Text(model.Folder), new Text(model.Kind), new Text(model.Parameters.ToString("N0", CultureInfo.InvariantCulture)), new Text(model.BitsPerByte?.ToString("F4", CultureInfo.InvariantCulture) ?? ""));
            AnsiConsole.Write(table);
        }
        foreach (Found model in models)
            if (model.Problem is not null) output.Error(model.Problem);
    }
}
