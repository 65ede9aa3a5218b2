using System.CommandLine;
using Craton.Models;
using Craton.Models.Generation;
using Craton.Tensors;

namespace Craton.Cli;

/// <summary>How answers are chosen: the same options for every verb that writes text; what is not given comes from the model.</summary>
internal sealed class SamplingArguments
{
    private const int UsualTokens = 200;

    private readonly Option<int?> _maxTokens = new("--max-tokens") { Description = $"Most new tokens (default: {UsualTokens}, or what the context leaves)" };
    private readonly Option<double?> _temperature = new("--temperature") { Description = "Divides the scores; 0 always takes the best token" };
    private readonly Option<int?> _topK = new("--top-k") { Description = "Only the best K tokens; 0 for all" };
    private readonly Option<double?> _topP = new("--top-p") { Description = "Only the likeliest tokens up to this probability in all" };
    private readonly Option<double?> _minP = new("--min-p") { Description = "Only tokens at least this share as likely as the likeliest" };
    private readonly Option<double?> _repetitionPenalty = new("--repetition-penalty") { Description = "Above 1: tokens that are there already become less likely" };
    private readonly Option<double?> _typicalP = new("--typical-p") { Description = "Only the tokens whose information is nearest to the entropy, up to this probability in all" };
    private readonly Option<double?> _frequencyPenalty = new("--frequency-penalty") { Description = "Subtracted from a token's score for every time it was written" };
    private readonly Option<double?> _presencePenalty = new("--presence-penalty") { Description = "Subtracted from the scores of tokens that were written" };
    private readonly Option<int?> _noRepeat = new("--no-repeat-ngram-size") { Description = "No sequence of so many tokens comes twice; 0 for any" };
    private readonly Option<int?> _minTokens = new("--min-new-tokens") { Description = "Fewest new tokens before the model may end" };
    private readonly Option<string[]> _stop = new("--stop") { Description = "A text that ends the answer; may be given several times", DefaultValueFactory = _ => [] };

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_maxTokens, .. Drawing, _repetitionPenalty, _frequencyPenalty, _presencePenalty, _noRepeat, _minTokens, _stop]) command.Options.Add(option);
    }

    // What only a choice at random needs.
    private Option[] Drawing => [_temperature, _topK, _topP, _minP, _typicalP];

    /// <summary>Refuses what a search by beams has no use for.</summary>
    public void RefuseWithBeams(ParseResult parsed)
    {
        if (Array.Find([.. Drawing, _stop], option => parsed.GetResult(option) is { Implicit: false }) is { } given)
            throw new CratonException($"{given.Name} was given with --beams, which looks for the likeliest text and draws nothing; leave one of them out");
    }

    /// <summary>The greatest number of new tokens that the user asks for; null leaves it to the room.</summary>
    public int? MaxTokens(ParseResult parsed) => parsed.GetValue(_maxTokens);

    /// <summary>What a text that is unmasked is drawn with, or null.</summary>
    public double? Temperature(ParseResult parsed) => parsed.GetValue(_temperature);

    /// <summary>The options that hold for a text that is unmasked too.</summary>
    public IEnumerable<Option> ForUnmasking => [_maxTokens, _temperature];

    /// <summary>The options for a prompt of so many tokens. An explicit number of new tokens is never cut.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="model">Gives the defaults.</param>
    /// <param name="promptTokens">Length of the prompt.</param>
    /// <param name="logProbs">How many of the best tokens to report, or null.</param>
    public SamplingOptions Read(ParseResult parsed, TextModel model, int promptTokens, int? logProbs = null)
    {
        SamplingOptions defaults = model.Defaults;
        int room = Math.Max(0, model.Model.Context - promptTokens);
        var options = defaults with
        {
            MaxTokens = MaxTokens(parsed) ?? Math.Min(defaults.MaxTokens, room),
            Temperature = parsed.GetValue(_temperature) ?? defaults.Temperature,
            TopK = parsed.GetValue(_topK) ?? defaults.TopK,
            TopP = parsed.GetValue(_topP) ?? defaults.TopP,
            MinP = parsed.GetValue(_minP) ?? defaults.MinP,
            TypicalP = parsed.GetValue(_typicalP) ?? defaults.TypicalP,
            FrequencyPenalty = parsed.GetValue(_frequencyPenalty) ?? defaults.FrequencyPenalty,
            PresencePenalty = parsed.GetValue(_presencePenalty) ?? defaults.PresencePenalty,
            NoRepeatNgram = parsed.GetValue(_noRepeat) ?? defaults.NoRepeatNgram,
            MinTokens = parsed.GetValue(_minTokens) ?? defaults.MinTokens,
            RepetitionPenalty = parsed.GetValue(_repetitionPenalty) ?? defaults.RepetitionPenalty,
            Stop = parsed.GetValue(_stop)!,
            LogProbs = logProbs,
            Seed = parsed.GetValue(CommandLine.Seed) ?? defaults.Seed,
        };
        Check(options.Validate);
        return options;
    }

    /// <summary>Checks values that came from options, whose errors then name the option.</summary>
    public static void Check(Action validate)
    {
        try
        {
            validate();
        }
        catch (CratonException e)
        {
            throw new CratonException("--" + e.Message.Replace('_', '-'), e);
        }
    }
}
