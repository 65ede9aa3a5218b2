using Craton.Models;
using Craton.Models.Generation;
using Craton.Tokenizers;

namespace Craton.Cli;

/// <summary>The sample that training shows.</summary>
internal static class Sampling
{
    private const int Tokens = 60;

    /// <summary>A short text that the model writes on from the prompt, the same for the same weights.</summary>
    public static string Write(CausalLanguageModel model, Tokenizer tokenizer, string prompt)
    {
        int room = Math.Min(Tokens, model.Context - tokenizer.Encode(prompt).Length - 1);
        if (room < 1) return prompt;
        return prompt + new TextGenerator(model, tokenizer).Generate(prompt, new SamplingOptions { MaxTokens = room, TopK = 50 }).Text;
    }
}
