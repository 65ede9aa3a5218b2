using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Craton.Cli.Quickstart;
using Craton.Data;
using Craton.Evaluation;
using Craton.Models;
using Craton.Tensors;
using Craton.Training.Configuration;
using Craton.Training.Recipes;
using Spectre.Console;

namespace Craton.Cli.Verbs;

/// <summary><c>craton eval -m MODEL</c>: bits per byte of held-out documents, beside what counting and compressing achieve.</summary>
internal sealed class EvalVerb : Verb
{
    private readonly Option<string> _model = new("--model", "-m") { Description = "A model directory", Required = true };
    private readonly Option<string[]> _sources = new("--source") { Description = $"Texts: {TextSources.Help} (default: what the model's recipe names)", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
    private readonly Option<bool> _lines = new("--lines") { Description = "With --source: every line of a .txt file is a document" };
    private readonly Option<double?> _testFraction = new("--test-fraction") { Description = "Share of documents held out, chosen by a hash of their ids (default: as in the model's recipe)" };
    private readonly Option<int> _documents = new("--max-documents") { Description = "Most held-out documents to measure", DefaultValueFactory = _ => 500 };

    public override Command Build()
    {
        var command = new Command("eval", "Bits per byte of held-out documents, beside a unigram, a byte 5-gram and Brotli") { _model, _sources, _lines, _testFraction, _documents };
        OnRun(command, Run);
        return command;
    }

    private int Run(ParseResult parsed, Output output)
    {
        string folder = parsed.GetValue(_model)!;
        TextModel model = TextModel.Load(folder);
        (string[] train, string[] test) = Texts(parsed, Data(parsed, folder), output);
        output.Info($"measuring {test.Length:N0} held-out documents; the baselines learn from {train.Length:N0}");
        LanguageModelScore score = LanguageModelEvaluation.BitsPerByte(
            QuickstartEvaluation.Scorer(model.Model), test, model.Tokenizer, new LanguageModelEvaluationOptions(model.Model.Config.MaxPositionEmbeddings));
        (string Name, double Value)[] rows =
        [
            ("model", score.BitsPerByte.Value),
            ("unigram", UnigramBaseline.Train(train, model.Tokenizer).Measure(test).Value),
            ("ngram5", ByteNgramBaseline.Train(train).Measure(test).Value),
            ("brotli", BrotliBaseline.Measure(test).Value),
        ];
        output.Result(new JsonObject
        {
            ["bits_per_byte"] = new JsonObject(rows.Select(r => KeyValuePair.Create(r.Name, Output.Number(r.Value)))),
            ["perplexity"] = Output.Number(score.Perplexity),
            ["documents"] = score.Documents,
            ["tokens"] = score.Tokens,
            ["bytes"] = score.BitsPerByte.Bytes,
        });
        if (output.IsJson) return 0;
        var table = new Table().Border(TableBorder.Rounded).Title("Bits per byte of held-out documents (lower is better)").AddColumns("", "bits per byte");
        foreach ((string name, double value) in rows) table.AddRow(name, value.ToString("F4", CultureInfo.InvariantCulture));
        AnsiConsole.Write(table);
        output.Line(string.Create(CultureInfo.InvariantCulture, $"{score.Documents:N0} documents, {score.BitsPerByte.Bytes:N0} bytes, {score.Tokens:N0} tokens, perplexity {score.Perplexity:F2} a token"));
        return 0;
    }

    // The text that the model's recipe names, divided as there; another source is divided by the same fractions.
    private DataSettings Data(ParseResult parsed, string folder)
    {
        string? recipe = ModelDirectory.LoadCard(folder)?.Recipe;
        string file = Path.Combine(folder, "craton.json");
        DataSettings data = recipe is null ? new DataSettings() : RecipeReader.Kind(recipe, file) switch
        {
            "pretrain" => RecipeReader.Read<PretrainRecipe>(recipe, file).Data,
            "continue" => RecipeReader.Read<ContinueRecipe>(recipe, file).Data,
            _ when parsed.GetValue(_sources) is { Length: 0 } => throw new CratonException($"'{folder}' was tuned on conversations, not on documents; say with --source on which texts to measure it"),
            _ => new DataSettings(),
        };
        return parsed.GetValue(_testFraction) is { } fraction ? data with { TestFraction = fraction } : data;
    }

    private (string[] Train, string[] Test) Texts(ParseResult parsed, DataSettings data, Output output)
    {
        string[] sources = parsed.GetValue(_sources)!;
        var splitter = new Splitter(data.ValidFraction, data.TestFraction);
        Document[] documents = [.. sources.Length > 0 ? TextSources.Read(sources, parsed.GetValue(_lines), output) : Corpus.Documents(data, new MessageListener(output))];
        if (sources.Length == 0 && data.Loader == LoaderKind.Windows) return HeldOutEnd(string.Concat(documents.Select(d => d.Text)), data.ValidFraction);
        ILookup<Split, string> texts = documents.ToLookup(splitter.Of, d => d.Text);
        string[] test = [.. texts[Split.Test].Take(parsed.GetValue(_documents))];
        return test.Length > 0 ? ([.. texts[Split.Train]], test)
            : throw new CratonException($"none of the {documents.Length:N0} documents falls into the held-out share of {data.TestFraction}; use more documents (--lines makes every line one) or a larger --test-fraction");
    }

    // Training on windows of one long text holds out its end.
    private static (string[] Train, string[] Test) HeldOutEnd(string text, double fraction)
    {
        int held = (int)(text.Length * fraction);
        return held > 0 ? ([text[..^held]], [text[^held..]])
            : throw new CratonException("the model's recipe held nothing out (data.valid_fraction is 0); say with --source on which texts to measure it");
    }

    private sealed class MessageListener(Output output) : Training.TrainingListener
    {
        public override void OnMessage(string message) => output.Info(message);
    }
}
