using Craton.Models;
using Craton.Models.Generation;
using Craton.Tokenizers;

namespace Craton.Inference.Tests;

/// <summary>Small models and engines for tests.</summary>
internal static class TestEngine
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
        MaxPositionEmbeddings = 256,
        InitializerRange = 0.3,
        BosTokenId = 256,
        EosTokenId = 256,
    };

    /// <summary>A random model whose weights are large enough that its choices are varied.</summary>
    public static TextModel Random(ulong seed = 7, bool packed = true, int context = 256)
    {
        Gpt model = new Gpt(Config with { MaxPositionEmbeddings = context }).Initialize(seed);
        if (packed) model.PackWeights();
        return new TextModel(model, Bytes, ChatTemplate.ChatMl(Bytes), new SamplingOptions(), [256, Bytes.IdOf("<|im_end|>")!.Value]);
    }

    /// <summary>Options that make pages and pieces small, so that everything happens often.</summary>
    public static EngineOptions Small { get; } = new() { PageSize = 4, MaxStepTokens = 48, CacheTokens = 4096 };

    /// <summary>A prompt of some length that depends on a number.</summary>
    public static int[] Prompt(int length, int number) => [.. Enumerable.Range(0, length).Select(i => 32 + (i * 7 + number * 13 + i * i * number) % 90)];

    /// <summary>What the simple generator answers: the measure of the engine.</summary>
    public static GenerationResult Alone(this TextModel model, GenerationRequest request) =>
        new TextGenerator(model.Model, model.Tokenizer).Generate(request.Prompt, request.Sampling, ends: [.. model.Ends, .. request.Ends]);

    public static void AssertSame(GenerationResult expected, GenerationResult got)
    {
        Assert.Equal(expected.Tokens, got.Tokens);
        Assert.Equal(expected.Text, got.Text);
        Assert.Equal(expected.FinishReason, got.FinishReason);
        AssertSame(expected.LogProbs, got.LogProbs);
        AssertSame(expected.PromptLogProbs, got.PromptLogProbs);
    }

    private static void AssertSame(IReadOnlyList<TokenLogProb> expected, IReadOnlyList<TokenLogProb> got) =>
        Assert.Equal(expected.Select(Bits), got.Select(Bits));

    private static string Bits(TokenLogProb p) =>
        $"{p.Token} {BitConverter.DoubleToInt64Bits(p.LogProb):x} {string.Join(' ', p.Top.Select(t => $"{t.Token}:{BitConverter.DoubleToInt64Bits(t.LogProb):x}"))}";
}
