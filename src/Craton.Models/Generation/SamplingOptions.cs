using Craton.Tensors;

namespace Craton.Models.Generation;

/// <summary>How the next token is chosen, and when to stop.</summary>
public sealed record SamplingOptions
{
    private static readonly Dictionary<int, double> EmptyBias = [];

    /// <summary>Divides the scores; 0 takes the best token always.</summary>
    public double Temperature { get; init; } = 0.8;

    /// <summary>Only the best K tokens; 0 for all. Equal scores at the border stay.</summary>
    public int TopK { get; init; }

    /// <summary>Only the likeliest tokens, while the probability before them is below P (Holtzman et al. 2020); 1 for all.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Only tokens at least this share as likely as the likeliest; 0 for all.</summary>
    public double MinP { get; init; }

    /// <summary>Only the tokens whose information is nearest to the entropy, while their probability is below P (Meister et al. 2023); 1 for all.</summary>
    public double TypicalP { get; init; } = 1;

    /// <summary>Scores of tokens already there are divided (positive) or multiplied (negative) by this (Keskar et al. 2019); 1 for none.</summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Subtracted from a token's score for every time it was generated; 0 for none.</summary>
    public double FrequencyPenalty { get; init; }

    /// <summary>Subtracted once from the score of every token that was generated; 0 for none.</summary>
    public double PresencePenalty { get; init; }

    /// <summary>Added to the scores of these tokens, −100 to 100 each; at most 1024.</summary>
    public IReadOnlyDictionary<int, double> LogitBias { get; init; } = EmptyBias;

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
    /// <param name="vocabulary">Number of token ids, when it is known.</param>
    /// <exception cref="CratonException">A value is out of its range.</exception>
    public void Validate(int vocabulary = int.MaxValue)
    {
        Check(Temperature is >= 0 and <= 100, "temperature", "0 to 100", Temperature);
        Check(TopK >= 0, "top_k", "0 or more", TopK);
        Check(TopP is > 0 and <= 1, "top_p", "above 0, at most 1", TopP);
        Check(MinP is >= 0 and <= 1, "min_p", "0 to 1", MinP);
        Check(TypicalP is > 0 and <= 1, "typical_p", "above 0, at most 1", TypicalP);
        Check(LogitBias.Count <= 1024, "logit_bias", "at most 1024 tokens", LogitBias.Count);
        foreach ((int id, double bias) in LogitBias)
        {
            Check(id >= 0 && id < vocabulary, "logit_bias", $"token ids of the model's own tokenizer, below {vocabulary}", id);
            Check(bias is >= -100 and <= 100, "logit_bias", "-100 to 100", bias);
        }
        Check(RepetitionPenalty is > 0 and <= 100, "repetition_penalty", "above 0, at most 100", RepetitionPenalty);
        Check(FrequencyPenalty is >= -100 and <= 100, "frequency_penalty", "-100 to 100", FrequencyPenalty);
        Check(PresencePenalty is >= -100 and <= 100, "presence_penalty", "-100 to 100", PresencePenalty);
        Check(MaxTokens >= 0, "max_tokens", "0 or more", MaxTokens);
        Check(LogProbs is null or (>= 0 and <= 100), "logprobs", "0 to 100", LogProbs ?? 0);
        Check(Stop.Count <= 64, "stop", "at most 64 texts", Stop.Count);
        foreach (string stop in Stop) Check(stop.Length <= 1024, "stop", "texts of at most 1024 characters", stop.Length);
        if (Stop.Any(s => s.Length == 0)) throw new CratonException("stop: expected texts that are not empty, got an empty one");

        static void Check(bool holds, string name, string expected, double got)
        {
            if (!holds) throw new CratonException($"{name}: expected {expected}, got {got}");
        }
    }
}
