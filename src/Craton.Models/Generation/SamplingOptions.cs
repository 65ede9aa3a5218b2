using Craton.Tensors;

namespace Craton.Models.Generation;

/// <summary>How the next token is chosen, and when to stop.</summary>
public sealed record SamplingOptions
{
    /// <summary>Divides the scores; 0 takes the best token always.</summary>
    public double Temperature { get; init; } = 0.8;

    /// <summary>Only the best K tokens; 0 for all. Equal scores at the border stay.</summary>
    public int TopK { get; init; }

    /// <summary>Only the likeliest tokens, while the probability before them is below P (Holtzman et al. 2020); 1 for all.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Only tokens at least this share as likely as the likeliest; 0 for all.</summary>
    public double MinP { get; init; }

    /// <summary>Only the tokens whose information is nearest to the entropy, up to this probability together (Meister et al. 2023); 1 for all.</summary>
    public double TypicalP { get; init; } = 1;

    /// <summary>Only tokens at least this likely (Hewitt et al. 2022); 0 for all.</summary>
    public double EpsilonCutoff { get; init; }

    /// <summary>The same, with a limit that falls where the choice is open; 0 for all.</summary>
    public double EtaCutoff { get; init; }

    /// <summary>Scores of tokens already there are divided (positive) or multiplied (negative) by this (Keskar et al. 2019); 1 for none.</summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Subtracted from a token's score for every time it was generated; 0 for none.</summary>
    public double FrequencyPenalty { get; init; }

    /// <summary>Subtracted once from the score of every token that was generated; 0 for none.</summary>
    public double PresencePenalty { get; init; }

    /// <summary>No sequence of this many tokens occurs twice in prompt and answer; 0 for any.</summary>
    public int NoRepeatNgram { get; init; }

    /// <summary>Added to the scores of tokens, always or behind others; −∞ forbids them.</summary>
    public IReadOnlyList<SequenceBias> Biases { get; init; } = [];

    /// <summary>Fewest new tokens before the model may end; 0 for none.</summary>
    public int MinTokens { get; init; }

    /// <summary>Fewest tokens of prompt and answer together before the model may end; 0 for none.</summary>
    public int MinLength { get; init; }

    /// <summary>The first new token, whatever its score; null for any.</summary>
    public int? ForcedFirst { get; init; }

    /// <summary>The token at the greatest length, whatever its score; null for any.</summary>
    public int? ForcedLast { get; init; }

    /// <summary>Seed of the choices.</summary>
    public ulong Seed { get; init; }

    /// <summary>Most new tokens; 0 only scores the prompt.</summary>
    public int MaxTokens { get; init; } = 200;

    /// <summary>Texts that end the answer and are not part of it.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Also report each token's log-probability and those of the N best; null for none.</summary>
    public int? LogProbs { get; init; }

    /// <summary>Report the log-probabilities of the prompt's tokens too.</summary>
    public bool Echo { get; init; }

    /// <summary>Refuses values that mean nothing.</summary>
    /// <exception cref="CratonException">A value is out of its range.</exception>
    public void Validate() => Validate(int.MaxValue);

    /// <summary>Refuses values that mean nothing, and tokens that the model does not have.</summary>
    /// <param name="vocabulary">Number of token ids.</param>
    /// <exception cref="CratonException">A value is out of its range.</exception>
    public void Validate(int vocabulary)
    {
        Check(Temperature is >= 0 and <= 100, "temperature", "0 to 100", Temperature);
        Check(TopK >= 0, "top_k", "0 or more", TopK);
        Check(TopP is > 0 and <= 1, "top_p", "above 0, at most 1", TopP);
        Check(MinP is >= 0 and <= 1, "min_p", "0 to 1", MinP);
        Check(TypicalP is > 0 and <= 1, "typical_p", "above 0, at most 1", TypicalP);
        Check(EpsilonCutoff is >= 0 and < 1, "epsilon_cutoff", "0 or more, below 1", EpsilonCutoff);
        Check(EtaCutoff is >= 0 and < 1, "eta_cutoff", "0 or more, below 1", EtaCutoff);
        Check(NoRepeatNgram >= 0, "no_repeat_ngram_size", "0 or more", NoRepeatNgram);
        Check(MinTokens >= 0, "min_new_tokens", "0 or more", MinTokens);
        Check(MinLength >= 0, "min_length", "0 or more", MinLength);
        Check(RepetitionPenalty is > 0 and <= 100, "repetition_penalty", "above 0, at most 100", RepetitionPenalty);
        Check(FrequencyPenalty is >= -100 and <= 100, "frequency_penalty", "-100 to 100", FrequencyPenalty);
        Check(PresencePenalty is >= -100 and <= 100, "presence_penalty", "-100 to 100", PresencePenalty);
        Check(MaxTokens >= 0, "max_tokens", "0 or more", MaxTokens);
        Check(LogProbs is null or (>= 0 and <= 100), "logprobs", "0 to 100", LogProbs ?? 0);
        if (Biases.Any(bias => bias.Sequence.Count == 0 || double.IsNaN(bias.Bias) || bias.Bias == double.PositiveInfinity))
            throw new CratonException("biases: expected at least one token and a number below infinity for each");
        foreach (int id in Biases.SelectMany(bias => bias.Sequence))
            if (id < 0 || id >= vocabulary) throw new CratonException($"biases: token {id} is outside the model's {vocabulary} ids; use the tokenizer that belongs to the model");
        Check(Stop.Count <= 64, "stop", "at most 64 texts", Stop.Count);
        foreach (string stop in Stop) Check(stop.Length <= 1024, "stop", "texts of at most 1024 characters", stop.Length);
        if (Stop.Any(s => s.Length == 0)) throw new CratonException("stop: expected texts that are not empty, got an empty one");

        static void Check(bool holds, string name, string expected, double got)
        {
            if (!holds) throw new CratonException($"{name}: expected {expected}, got {got}");
        }
    }
}

/// <summary>What is added to the score of a sequence's last token where the others are the end of the text.</summary>
/// <param name="Sequence">The tokens; of a single one the score always changes.</param>
/// <param name="Bias">What is added; −∞ forbids the token.</param>
public sealed record SequenceBias(IReadOnlyList<int> Sequence, double Bias)
{
    /// <summary>Forbids sequences, but never the end alone, without which no answer would end.</summary>
    public static IEnumerable<SequenceBias> Forbid(IEnumerable<IReadOnlyList<int>> sequences, IReadOnlyCollection<int> ends) =>
        sequences.Where(s => s.Count != 1 || !ends.Contains(s[0])).Select(s => new SequenceBias(s, double.NegativeInfinity));
}
