using System.Text.Json;
using Craton.Models;
using Craton.Models.Diffusion.Networks;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.Diagnostics;
using Craton.Training;
using Craton.Training.Optimizers;

namespace Craton.Cli.Bench;

/// <summary>The U-Net of DDPM on 16 pictures of 32 × 32 pixels, with one fixed batch: widths 64, 128 and 256, two blocks a level, attention at 16 × 16
/// and in the middle.</summary>
internal sealed class UNetTraining
{
    public const string Name = "unet";

    private const int Batch = 16, Side = 32;

    private const string Shape = """
        {
          "block_out_channels": [64, 128, 256], "layers_per_block": 2, "attention_head_dim": null,
          "down_block_types": ["DownBlock2D", "AttnDownBlock2D", "DownBlock2D"], "up_block_types": ["UpBlock2D", "AttnUpBlock2D", "UpBlock2D"]
        }
        """;

    private readonly UNet2DModel _model;
    private readonly Tensor[] _parameters;
    private readonly AdamW _optimizer;
    private readonly Tensor _pictures = Measurements.Noise(Batch, 3, Side, Side), _noise = Measurements.Noise(Batch, 3, Side, Side);
    private readonly Tensor _times = Tensor.Persistent(DType.F32, Batch);

    public UNetTraining()
    {
        using JsonDocument shape = JsonDocument.Parse(Shape);
        _model = new UNet2DModel(new ConfigReader("the shape of the U-Net", shape.RootElement.Clone()));
        uint index = 0;
        foreach ((_, Tensor weight) in _model.NamedParameters())
            if (weight.Rank >= 2) Init.Normal(weight, Math.Sqrt((double)weight.Size(0) / weight.Count), 1, index++);
        NamedParameter[] named = [.. _model.NamedParameters().Select(p => new NamedParameter(p.Name, p.Tensor))];
        _parameters = [.. named.Select(p => p.Tensor)];
        _optimizer = new AdamW(named, new AdamWOptions(3e-4));
        Span<float> times = _times.AsSpan<float>();
        for (int i = 0; i < times.Length; i++) times[i] = 61 * i;
        Flops = Count();
    }

    /// <summary>Operations of the convolutions, products and attention of one forward pass.</summary>
    public double Flops { get; }

    /// <summary>Forward, backward, update.</summary>
    public void Step(OpProfile? profile = null)
    {
        using var watching = profile?.Watch();
        foreach (Tensor parameter in _parameters) parameter.ClearGrad();
        using (TensorScope.Open("bench"))
        using (Tape tape = Tape.Start())
        {
            Tensor wrong = _model.Forward(_pictures, _times) - _noise;
            tape.Backward(Ops.Mean(wrong * wrong));
        }
        using (OpProfile.Part(TrainingParts.Update, "adamw", 28.0 * _model.ParameterCount)) Update();
    }

    private void Update() => _optimizer.Step(1, 1);

    /// <summary>One step of drawing 16 pictures.</summary>
    public void Draw()
    {
        using (TensorScope.Open("bench")) _ = _model.Forward(_pictures, _times);
    }

    private double Count()
    {
        var profile = new OpProfile();
        using (profile.Watch())
        using (TensorScope.Open("bench"))
        using (Tape.Start())
            _ = _model.Forward(_pictures, _times);
        return profile.Times.Sum(time => time.Flops);
    }
}
