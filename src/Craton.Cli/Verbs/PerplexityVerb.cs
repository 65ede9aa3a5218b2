using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Craton.Cli.Evaluation;
using Craton.Cli.Quickstart;
using Craton.Evaluation;
using Craton.Models;
using Craton.Tensors;

namespace Craton.Cli.Verbs;

/// <summary><c>craton perplexity -m MODEL FILE</c>: how well a model predicts a text, and what quantising it has cost.</summary>
internal sealed class PerplexityVerb : Verb
{
    private readonly ModelArguments _model = new();
    private readonly Option<string?> _against = new("--against") { Description = "The model that this one was quantised from: adds what the rounding costs" };
    private readonly Option<int> _context = new("--context") { Description = "Most tokens to predict from", DefaultValueFactory = _ => 512 };
    private readonly Argument<string> _file = new("FILE") { Description = "A text file" };

    public override Command Build()
    {
        var command = new Command("perplexity", "How well a model predicts a text, and what quantising it has cost") { _against, _context, _file };
        _model.AddTo(command);
        OnRun(command, Run);
        return command;
    }

    private int Run(ParseResult parsed, Output output)
    {
        string file = parsed.GetValue(_file)!, text = File.ReadAllText(file);
        if (text.Length == 0) throw new CratonException($"'{file}' is empty; expected a text");
        TextModel model = _model.Load(parsed);
        int context = Math.Min(parsed.GetValue(_context), model.Model.Context);
        if (context < 1) throw new CratonException($"--context: expected at least 1, got {context}");
        LanguageModelScore score = Score(model, text, context);
        var json = new JsonObject
        {
            ["nats_per_token"] = Output.Number(score.NatsPerToken),
            ["perplexity"] = Output.Number(score.Perplexity),
            ["bits_per_byte"] = Output.Number(score.BitsPerByte.Value),
            ["tokens"] = score.Tokens,
            ["bytes"] = score.BitsPerByte.Bytes,
            ["context"] = context,
        };
        output.Line(string.Create(CultureInfo.InvariantCulture, $"{score.NatsPerToken:F4} nats a token, perplexity {score.Perplexity:F3}, {score.BitsPerByte.Value:F4} bits a byte ({score.Tokens:N0} tokens, {score.BitsPerByte.Bytes:N0} bytes)"));
        if (parsed.GetValue(_against) is { } original) json["against"] = Compare(original, model, text, context, score, output);
        output.Result(json);
        return 0;
    }

    private static JsonObject Compare(string path, TextModel model, string text, int context, LanguageModelScore score, Output output)
    {
        TextModel original = TextModel.LoadForInference(path);
        LanguageModelScore before = Score(original, text, context);
        QuantizationCost cost = QuantizationCost.Measure(original.Model, model.Model, model.Tokenizer.Encode(text));
        output.Line(string.Create(CultureInfo.InvariantCulture,
            $"the original: perplexity {before.Perplexity:F3} ({(score.Perplexity / before.Perplexity - 1) * 100:+0.00;-0.00} %); KL to it {cost.MeanKl:F5} nats on average, {cost.LargestKl:F3} at most; the same best token at {cost.SameBest * 100:F1} % of {cost.Places:N0} places"));
        return new JsonObject
        {
            ["model"] = path,
            ["nats_per_token"] = Output.Number(before.NatsPerToken),
            ["perplexity"] = Output.Number(before.Perplexity),
            ["kl_mean"] = Output.Number(cost.MeanKl),
            ["kl_max"] = Output.Number(cost.LargestKl),
            ["same_best_token"] = Output.Number(cost.SameBest),
            ["places"] = cost.Places,
        };
    }

    private static LanguageModelScore Score(TextModel model, string text, int context) =>
        LanguageModelEvaluation.BitsPerByte(QuickstartEvaluation.Scorer(model.Model), [text], model.Tokenizer, new LanguageModelEvaluationOptions(context));
}
