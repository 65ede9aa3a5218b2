using Craton.Data;
using Craton.Models;
using Craton.Tensors;
using Craton.Tensors.Diagnostics;
using Craton.Training;
using Craton.Training.Optimizers;

namespace Craton.Cli.Bench;

/// <summary>A GPT-2 with AdamW and one fixed random batch: the work that training speeds are compared on.</summary>
internal sealed class Gpt2Training
{
    private readonly Gpt2 _model;
    private readonly Tensor[] _parameters;
    private readonly AdamW _optimizer;
    private readonly Tensor _ids, _targets;

    public Gpt2Training(BenchConfiguration configuration)
    {
        _model = new Gpt2(configuration.Model).Initialize(seed: 1);
        NamedParameter[] named = [.. _model.NamedParameters().Select(p => new NamedParameter(p.Name, p.Tensor))];
        _parameters = [.. named.Select(p => p.Tensor)];
        _optimizer = new AdamW(named, new AdamWOptions(3e-4, 0.9, 0.95, WeightDecay: 0.1));
        int count = configuration.Tokens;
        int[] noise = [.. Enumerable.Range(0, count + configuration.Batch).Select(i => (int)StableHash.Below(StableHash.Combine(1, (ulong)i), (ulong)configuration.Model.VocabSize))];
        _ids = Tensor.From(noise.AsSpan(0, count), configuration.Batch, configuration.Length);
        _targets = Tensor.From(noise.AsSpan(1, count), configuration.Batch, configuration.Length);
        ParameterCount = _model.ParameterCount;
    }

    public long ParameterCount { get; }

    /// <summary>Forward, backward, update.</summary>
    public void Step(OpProfile? profile = null)
    {
        using var watching = profile?.Watch();
        foreach (Tensor parameter in _parameters) parameter.ClearGrad();
        using (TensorScope.Open("bench"))
        using (Tape tape = Tape.Start())
        {
            tape.Backward(_model.Loss(_ids, _targets));
        }
        using (OpProfile.Part(TrainingParts.Update, "adamw", 28.0 * ParameterCount)) Update();
    }

    /// <summary>The optimizer's step alone, with the gradients of the last <see cref="Step"/>.</summary>
    public void Update() => _optimizer.Step(1, 1);
}
