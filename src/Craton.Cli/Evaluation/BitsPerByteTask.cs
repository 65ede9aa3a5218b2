using System.Globalization;
using System.Text.Json.Nodes;
using Craton.Cli.Quickstart;
using Craton.Data;
using Craton.Evaluation;
using Craton.Tensors;
using Craton.Training.Recipes;
using Spectre.Console;

namespace Craton.Cli.Evaluation;

/// <summary>Bits per byte of held-out documents, beside what counting and compressing achieve.</summary>
internal sealed class BitsPerByteTask : EvalTask
{
    public override string Name => "bits-per-byte";

    public override string Description => "held-out documents, beside a unigram, a byte 5-gram and Brotli";

    public override JsonObject Run(EvalRequest request)
    {
        (string[] train, string[] test) = Texts(request);
        request.Output.Info($"measuring {test.Length:N0} held-out documents; the baselines learn from {train.Length:N0}");
        LanguageModelScore score = LanguageModelEvaluation.BitsPerByte(
            QuickstartEvaluation.Scorer(request.Model.Model), test, request.Model.Tokenizer, new LanguageModelEvaluationOptions(request.Model.Model.Context));
        return new JsonObject
        {
            ["bits_per_byte"] = new JsonObject
            {
                ["model"] = Output.Number(score.BitsPerByte.Value),
                ["unigram"] = Output.Number(UnigramBaseline.Train(train, request.Model.Tokenizer).Measure(test).Value),
                ["ngram5"] = Output.Number(ByteNgramBaseline.Train(train).Measure(test).Value),
                ["brotli"] = Output.Number(BrotliBaseline.Measure(test).Value),
            },
            ["perplexity"] = Output.Number(score.Perplexity),
            ["documents"] = score.Documents,
            ["tokens"] = score.Tokens,
            ["bytes"] = score.BitsPerByte.Bytes,
        };
    }

    public override void Show(JsonObject result, Output output)
    {
        var table = new Table().Border(TableBorder.Rounded).Title("Bits per byte of held-out documents (lower is better)").AddColumns("", "bits per byte");
        foreach ((string name, JsonNode? value) in result["bits_per_byte"]!.AsObject()) table.AddRow(name, ((double?)value)?.ToString("F4", CultureInfo.InvariantCulture) ?? "–");
        AnsiConsole.Write(table);
        output.Line(string.Create(CultureInfo.InvariantCulture, $"{(long)result["documents"]!:N0} documents, {(long)result["bytes"]!:N0} bytes, {(long)result["tokens"]!:N0} tokens, perplexity {(double?)result["perplexity"]:F2} a token"));
    }

    private static (string[] Train, string[] Test) Texts(EvalRequest request)
    {
        bool own = request.Sources.Length == 0;
        DataSettings? named = DataOf(request, "pretrain", "continue");
        if (own && named is null && request.Model.Template is not null)
            throw new CratonException($"'{request.Folder}' was tuned on conversations, not on documents; say with --source on which texts to measure it");
        DataSettings data = named ?? new DataSettings();
        if (request.TestFraction is { } fraction) data = data with { TestFraction = fraction };
        var reader = new SourceReader(request.Output.Info);
        Document[] documents = own ? Selection.Of(data, new MessageListener(request.Output)).Documents : [.. TextSources.Read(request.Sources, request.Lines, reader)];
        if (own && data.Loader == LoaderKind.Windows) return HeldOutEnd(string.Concat(documents.Select(d => d.Text)), data.ValidFraction);
        ILookup<Split, string> texts = documents.ToLookup(Divider(data).Of, d => d.Text);
        string[] test = [.. texts[Split.Test].Take(request.Most)];
        return test.Length > 0 ? ([.. texts[Split.Train]], test) : throw NothingHeldOut(documents.Length, "documents", data.TestFraction);
    }

    // Training on windows of one long text holds out its end.
    private static (string[] Train, string[] Test) HeldOutEnd(string text, double fraction)
    {
        int held = (int)(text.Length * fraction);
        return held > 0 ? ([text[..^held]], [text[^held..]])
            : throw new CratonException("the model's recipe held nothing out (data.valid_fraction is 0); say with --source on which texts to measure it");
    }
}
