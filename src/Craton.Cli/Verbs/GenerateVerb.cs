using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Craton.Models;
using Craton.Models.Generation;
using Craton.Models.Generative;
using Craton.Tensors;
using Craton.Tokenizers;

namespace Craton.Cli.Verbs;

/// <summary><c>craton generate -m MODEL [PROMPT]</c>: a model writes on from a text, or says how likely it finds one.</summary>
internal sealed class GenerateVerb : Verb
{
    private readonly ModelArguments _model = new();
    private readonly Argument<string?> _prompt = new("PROMPT") { Description = "The text to go on from; '-' reads standard input; nothing: the model begins by itself", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _promptIds = new("--prompt-ids") { Description = "The prompt as token ids (1,2,3), taken as they are" };
    private readonly Option<int?> _logProbs = new("--logprobs") { Description = "With --json: each token's log-probability and those of the N best" };
    private readonly Option<bool> _echo = new("--echo") { Description = "Show the prompt too; with --json its tokens' log-probabilities (prompt_logprobs)" };
    private readonly Option<int?> _beams = new("--beams") { Description = "Look for the likeliest text with so many beams instead of drawing one; --json shows all" };
    private readonly Option<double> _lengthPenalty = new("--length-penalty") { Description = "With --beams: scores are divided by the length to this power; above 0 favours long texts", DefaultValueFactory = _ => 1 };
    private readonly Option<EarlyStopping> _earlyStopping = new("--early-stopping") { Description = "With --beams: end as soon as there are as many finished texts as beams (yes), when no better one is near (no), or when none is possible (never)" };
    private readonly UnmaskingArguments _unmasking = new();
    private readonly SamplingArguments _sampling = new();

    public override Command Build()
    {
        var command = new Command("generate", "Write on from a prompt") { _prompt, _promptIds, _logProbs, _echo, _beams, _lengthPenalty, _earlyStopping };
        _model.AddTo(command);
        _sampling.AddTo(command);
        _unmasking.AddTo(command);
        OnRun(command, Run);
        return command;
    }

    private int Run(ParseResult parsed, Output output)
    {
        if (TextDiffusionDirectory.Holds(_model.Path(parsed))) return Unmask(parsed, output);
        _unmasking.RefuseWithDecoder(parsed);
        TextModel model = _model.Load(parsed);
        bool echo = parsed.GetValue(_echo);
        int[] prompt = Prompt(parsed, model.Tokenizer, model.Model.Config.BosTokenId);
        SamplingOptions options = _sampling.Read(parsed, model, prompt.Length, parsed.GetValue(_logProbs)) with { Echo = echo };
        using var interrupt = new AnswerInterrupt();
        if (parsed.GetValue(_beams) is { } beams) return Search(parsed, output, model, prompt, options, beams, interrupt);
        if (echo && !output.IsJson) Write(model.Tokenizer.Decode(Known(model.Tokenizer, prompt)));
        GenerationResult result = interrupt.Run(cancel => new TextGenerator(model.Model, model.Tokenizer)
            .Generate(prompt, options, output.IsJson ? null : Write, model.Ends, cancel));
        if (!output.IsJson) Console.WriteLine();
        output.Result(Json(model.Tokenizer, prompt, options, result));
        return 0;
    }

    private int Search(ParseResult parsed, Output output, TextModel model, int[] prompt, SamplingOptions options, int count, AnswerInterrupt interrupt)
    {
        _sampling.RefuseWithBeams(parsed);
        if (options.LogProbs is not null || options.Echo) throw new CratonException("--logprobs or --echo was given with --beams, expected one of them");
        var settings = new BeamOptions { Beams = count, LengthPenalty = parsed.GetValue(_lengthPenalty), EarlyStopping = parsed.GetValue(_earlyStopping) };
        SamplingArguments.Check(settings.Validate);
        IReadOnlyList<Beam> beams = interrupt.Run(cancel => new BeamSearch(model.Model).Run(prompt, options, settings, model.Ends, cancel));
        if (beams.Count > 0) output.Line(Text(beams[0]));
        output.Result(new JsonObject
        {
            ["beams"] = new JsonArray([.. beams.Select(JsonNode (beam) => new JsonObject { ["text"] = Text(beam), ["tokens"] = TokenIds.Json(beam.Tokens), ["score"] = Output.Number(beam.Score) })]),
            ["prompt_tokens"] = TokenIds.Json(prompt),
        });
        return 0;

        string Text(Beam beam) => model.Tokenizer.Decode(Known(model.Tokenizer, [.. beam.Tokens]));
    }

    private int Unmask(ParseResult parsed, Output output)
    {
        _unmasking.RefuseOthers(parsed, [_model.Option, _promptIds, _echo, .. _sampling.ForUnmasking]);
        TextDiffusion model = TextDiffusionDirectory.Load(_model.Path(parsed));
        int[] prompt = Prompt(parsed, model.Tokenizer, begin: null), after = _unmasking.Suffix(parsed, model.Tokenizer);
        int room = model.Config.MaxPositionEmbeddings - prompt.Length - after.Length, length = _sampling.MaxTokens(parsed) ?? room;
        if (length < 1 || length > room)
            throw new CratonException($"expected 1 to {Math.Max(0, room)} new tokens, what the model's context of {model.Config.MaxPositionEmbeddings} leaves, got {length}; change --max-tokens, or shorten the text");
        int[] written = model.Write(prompt, length, after, _unmasking.Read(parsed, length, _sampling.Temperature(parsed)), parsed.GetValue(CommandLine.Seed) ?? 0);
        string text = model.TextOf(written);
        output.Line(parsed.GetValue(_echo) ? model.Tokenizer.Decode(prompt) + text + model.Tokenizer.Decode(after) : text);
        output.Result(new JsonObject { ["text"] = text, ["tokens"] = TokenIds.Json(written), ["prompt_tokens"] = TokenIds.Json(prompt), ["suffix_tokens"] = TokenIds.Json(after) });
        return 0;
    }

    private int[] Prompt(ParseResult parsed, Tokenizer tokenizer, int? begin)
    {
        string? text = parsed.GetValue(_prompt);
        if (parsed.GetValue(_promptIds) is { } ids)
            return text is null ? TokenIds.Parse("--prompt-ids", ids) : throw new CratonException("a PROMPT and --prompt-ids were given, expected one of them");
        if (text == "-") text = Console.In.ReadToEnd();
        int[] first = begin is { } id ? [id] : [];
        return [.. first, .. tokenizer.Encode(text ?? "")];
    }

    private static JsonObject Json(Tokenizer tokenizer, int[] prompt, SamplingOptions options, GenerationResult result)
    {
        var json = new JsonObject
        {
            ["text"] = result.Text,
            ["tokens"] = TokenIds.Json(result.Tokens),
            ["finish_reason"] = result.FinishReason.ToString().ToLowerInvariant(),
            ["prompt_tokens"] = TokenIds.Json(prompt),
        };
        if (options.LogProbs is not null) json["logprobs"] = LogProbs(tokenizer, result.LogProbs);
        if (options.Echo) json["prompt_logprobs"] = LogProbs(tokenizer, result.PromptLogProbs);
        return json;
    }

    private static JsonArray LogProbs(Tokenizer tokenizer, IReadOnlyList<TokenLogProb> tokens) => new([.. tokens.Select(JsonNode (t) =>
    {
        JsonObject json = Entry(tokenizer, t.Token, t.LogProb);
        json["top"] = new JsonArray([.. t.Top.Select(JsonNode (best) => Entry(tokenizer, best.Token, best.LogProb))]);
        return json;
    })]);

    private static JsonObject Entry(Tokenizer tokenizer, int token, double logProb) => new()
    {
        ["token"] = token,
        ["text"] = tokenizer.Decode(Known(tokenizer, [token]), skipSpecial: false),
        ["logprob"] = Output.Number(logProb),
    };

    // A model's table may have more rows than its tokenizer ids.
    private static int[] Known(Tokenizer tokenizer, int[] ids) => Array.FindAll(ids, id => id >= 0 && id < tokenizer.VocabularySize);

    private static void Write(string text)
    {
        Console.Out.Write(text);
        Console.Out.Flush();
    }
}

/// <summary>Token ids as the command line and JSON have them.</summary>
internal static class TokenIds
{
    /// <summary>Reads ids separated by commas or white space.</summary>
    public static int[] Parse(string argument, string text) =>
    [
        .. text.Split([',', ' ', '\t', '\n', '\r', '[', ']'], StringSplitOptions.RemoveEmptyEntries).Select(part =>
            int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                ? id
                : throw new CratonException($"{argument}: expected token ids such as 1,2,3, got '{part}'")),
    ];

    /// <summary>The ids as a JSON array.</summary>
    public static JsonArray Json(IEnumerable<int> ids) => new([.. ids.Select(id => (JsonNode)id)]);
}
