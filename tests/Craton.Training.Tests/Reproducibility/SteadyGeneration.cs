using System.Globalization;
using Craton.Models;
using Craton.Models.Generation;
using Craton.Tokenizers;
using Craton.Training.Recipes;

namespace Craton.Training.Tests.Reproducibility;

/// <summary>Generates in a process of its own, and prints how many bytes of managed memory a token took, once warm.</summary>
internal static class SteadyGeneration
{
    private const int Vocabulary = 4096, Context = 512, First = 100, Last = 400;

    public static void Run(string sampling)
    {
        TensorScope.Checks = false; // debug builds otherwise never recycle a tensor
        var options = new SamplingOptions { Temperature = 1, MaxTokens = Context - 1, Stop = ["never"] };
        options = sampling switch
        {
            "greedy" => options with { Temperature = 0 },
            "filtered" => options with { TopK = 50, TopP = 0.9, MinP = 0.01, RepetitionPenalty = 1.1 },
            "logprobs" => options with { LogProbs = 5 },
            _ => options,
        };
        // Wide enough that a forgotten copy of the scores would show.
        Gpt model = new Gpt(GptConfig.FromDepth(2, Vocabulary, Context)).Initialize(seed: 1);
        int tokens = 0;
        long bytes = 0;
        Tokenizer tokenizer = ByteTokenizer.Create(Corpus.SpecialTokens);
        var counter = new Counter(() =>
        {
            tokens++;
            if (tokens == First) bytes = GC.GetTotalAllocatedBytes(precise: true);
            if (tokens == Last) bytes = GC.GetTotalAllocatedBytes(precise: true) - bytes;
        });
        var generator = new TextGenerator(model, tokenizer);
        _ = generator.Generate([1], options); // grows what grows with the length of a text
        _ = generator.Generate([1], options, ends: counter);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{bytes / (Last - First)} bytes a token"));
    }

    /// <summary>Ids that end a text, of which there are none: is asked once for every token.</summary>
    private sealed class Counter(Action asked) : List<int>, ICollection<int>
    {
        bool ICollection<int>.Contains(int item)
        {
            asked();
            return false;
        }
    }
}
