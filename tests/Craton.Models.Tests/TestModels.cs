using Craton.Tokenizers;

namespace Craton.Models.Tests;

/// <summary>Small models and tokenizers for tests.</summary>
internal static class TestModels
{
    /// <summary>Bytes, and the tokens that conversations need.</summary>
    public static Tokenizer Bytes { get; } = ByteTokenizer.Create("<|endoftext|>", "<|im_start|>", "<|im_end|>");

    public static GptConfig Config { get; } = new()
    {
        VocabSize = Bytes.VocabularySize,
        HiddenSize = 32,
        IntermediateSize = 48,
        NumHiddenLayers = 2,
        NumAttentionHeads = 4,
        NumKeyValueHeads = 2,
        HeadDim = 8,
        MaxPositionEmbeddings = 320,
        InitializerRange = 0.3,
        BosTokenId = 256,
        EosTokenId = 256,
    };

    /// <summary>A random model whose weights are large enough that its choices are varied.</summary>
    public static Gpt Random(GptConfig? config = null, ulong seed = 7) => new Gpt(config ?? Config).Initialize(seed);
}
