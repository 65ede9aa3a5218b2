using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Models.Encoders;
using Craton.Tensors;

namespace Craton.Cli.Verbs;

/// <summary><c>craton embed -m MODEL</c>: vectors of the texts on standard input.</summary>
internal sealed class EmbedVerb : Verb
{
    private readonly ModelOption _model = new("A directory of a sentence encoder, or of an encoder");
    private readonly Option<bool> _jsonl = new("--jsonl") { Description = "Each line is a JSON object with the text under \"text\", in place of the text itself" };

    public override Command Build()
    {
        var command = new Command("embed", "Turn the lines of standard input into vectors") { _model, _jsonl };
        OnRun(command, Run);
        return command;
    }

    private int Run(ParseResult parsed, Output output)
    {
        SentenceEncoder encoder = SentenceEncoder.Load(parsed.GetValue(_model)!);
        encoder.PackWeights();
        string[] texts = Texts(Console.In.ReadToEnd(), parsed.GetValue(_jsonl));
        float[][] vectors = encoder.Encode(texts);
        if (!output.IsJson)
        {
            foreach (float[] vector in vectors) output.Line(Json(vector).ToJsonString(Output.Lines));
            return 0;
        }
        output.Result(new JsonObject
        {
            ["embeddings"] = new JsonArray([.. vectors.Select(Json)]),
            ["dimensions"] = encoder.Width,
            ["max_tokens"] = encoder.MaxTokens,
        });
        return 0;
    }

    // Only line feeds end a line: a text may hold other characters that separate lines elsewhere.
    private static string[] Texts(string input, bool areObjects)
    {
        string[] lines = input.Split('\n');
        if (lines[^1].Length == 0) lines = lines[..^1];
        return areObjects
            ? [.. lines.Select((line, i) => (Line: line, Number: i + 1)).Where(l => !string.IsNullOrWhiteSpace(l.Line)).Select(l => Text(l.Line, l.Number))]
            : Array.ConvertAll(lines, line => line.EndsWith('\r') ? line[..^1] : line);
    }

    private static string Text(string line, int number)
    {
        try
        {
            return JsonElement.Parse(line) is { ValueKind: JsonValueKind.Object } row && row.TryGetProperty("text", out JsonElement text) && text.ValueKind == JsonValueKind.String
                ? text.GetString()!
                : throw new CratonException($"standard input, line {number}: expected an object with a text under \"text\"");
        }
        catch (JsonException e)
        {
            throw new CratonException($"standard input, line {number}: no JSON ({e.Message.TrimEnd('.')})", e);
        }
    }

    private static JsonArray Json(float[] vector) => new([.. vector.Select(value => (JsonNode)value)]);
}
