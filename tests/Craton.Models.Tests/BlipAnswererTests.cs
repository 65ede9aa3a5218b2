using System.Text.Json;
using Craton.Models.Generation;
using Craton.Models.Seq2Seq;
using Craton.Models.Vision;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Tests;

/// <summary>BLIP as one who answers questions, on a small model.</summary>
public sealed class BlipAnswererTests : IDisposable
{
    private const string Config = """
        {"model_type": "blip", "architectures": ["BlipForQuestionAnswering"],
         "vision_config": {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 8, "patch_size": 4},
         "text_config": {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 20, "max_position_embeddings": 12,
                         "bos_token_id": 1, "sep_token_id": 2, "pad_token_id": 0}}
        """;

    private readonly TensorScope _scope = TensorScope.Open("test");
    private readonly BlipAnswerer _model;
    private readonly Tensor _image = Tensor.From(Enumerable.Range(0, 3 * 8 * 8).Select(i => (float)Math.Sin(i)).ToArray(), 1, 3, 8, 8);

    public BlipAnswererTests()
    {
        _model = BlipAnswerer.Create(new ConfigReader("config.json", JsonElement.Parse(Config)));
        uint index = 0;
        foreach ((_, Tensor weight) in _model.NamedParameters())
            if (weight.Rank > 1) Init.Normal(weight, 0.3, seed: 5, index++);
    }

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void PaddingBehindAQuestionChangesNothing()
    {
        float[] alone = Scores(_model.Read(_image, Ids(5, 6, 7)));
        Tensor padding = Tensor.From(new[] { true, true, true, false, false }, 1, 5);
        Assert.Equal(alone, Scores(_model.Read(_image, Ids(5, 6, 7, 0, 0), padding)), Near);
    }

    [Fact]
    public void AQuestionIsReadInBothDirectionsAndWithTheImage()
    {
        float[] vectors = First(_model.Read(_image, Ids(5, 6, 7)));
        Assert.NotEqual(vectors, First(_model.Read(_image, Ids(5, 6, 8))));
        Assert.NotEqual(vectors, First(_model.Read(_image * 2, Ids(5, 6, 7))));
    }

    [Fact]
    public void TrainingOnAnAnswerMakesItTheAnswer()
    {
        Tensor question = Ids(5, 6, 7), answer = Ids(1, 9, 11, 2);
        for (int step = 0; step < 100; step++)
        {
            using var inner = TensorScope.Open("step");
            foreach ((_, Tensor parameter) in _model.NamedParameters()) parameter.ClearGrad();
            using var tape = Tape.Start();
            tape.Backward(_model.Loss(_model.Read(_image, question), answer, answer));
            foreach ((_, Tensor parameter) in _model.NamedParameters())
            {
                if (parameter.Grad is not { } gradient) continue;
                Span<float> values = parameter.AsSpan<float>(), slopes = gradient.AsSpan<float>();
                for (int i = 0; i < values.Length; i++) values[i] -= 0.1f * slopes[i];
            }
        }
        var options = new SamplingOptions { Temperature = 0, MaxTokens = 6 };
        Assert.Equal([9, 11, 2], new TargetGenerator(_model.Decoder).Answer(_model.Read(_image, question), options));
    }

    [Fact]
    public void WhatDoesNotFitIsNamed()
    {
        Assert.Contains("12 positions", Assert.Throws<CratonException>(() => _model.Read(_image, Ids(new int[13]))).Message, StringComparison.Ordinal);
        var generator = new TargetGenerator(_model.Decoder);
        SourceMemory source = _model.Read(_image, Ids(5));
        Assert.Contains("12 positions", Assert.Throws<CratonException>(() => generator.Answer(source, new SamplingOptions { MaxTokens = 13 })).Message, StringComparison.Ordinal);
        Assert.Contains("token 20", Assert.Throws<CratonException>(() => generator.Answer(source, new SamplingOptions { MaxTokens = 2 }, [20])).Message, StringComparison.Ordinal);
    }

    private static bool Near(float a, float b) => Math.Abs(a - b) <= 1e-5f;

    private static Tensor Ids(params int[] ids) => Tensor.From(ids, 1, ids.Length);

    private float[] Scores(SourceMemory source) => _model.Decoder.Logits(_model.Decoder.Hidden(Ids(1, 9), source)).ToArray<float>();

    private static float[] First(SourceMemory source) => Ops.Select(source.Hidden, 1, 0).ToArray<float>();
}
