using Craton.Data;
using Craton.Models.Generative;
using Craton.Tensors;
using Craton.Training.Checkpoints;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>One step of a generative adversarial network: the discriminator learns to tell pictures apart, then the generator to deceive it.</summary>
internal sealed class GanStep
{
    private static readonly uint s_noise = CounterRandom.PlaceOf("gan.noise"), s_critic = CounterRandom.PlaceOf("gan.critic"), s_mix = CounterRandom.PlaceOf("gan.mix");

    private readonly GanRecipe _recipe;
    private readonly GanGenerator _generator;
    private readonly GanDiscriminator _discriminator;
    private readonly ImageLoader _pictures;
    private readonly GanBalance _balance;
    private readonly ModelUpdate _generatorUpdate, _discriminatorUpdate;
    private readonly List<Metric> _details = [];

    public GanStep(GanRecipe recipe, GanGenerator generator, GanDiscriminator discriminator, ImageLoader pictures, GanBalance balance)
    {
        (_recipe, _generator, _discriminator, _pictures, _balance) = (recipe, generator, discriminator, pictures, balance);
        OptimizerSettings opposed = recipe.Optimizer with { LearningRate = recipe.Optimizer.LearningRate * recipe.Adversary.Rate };
        _generatorUpdate = new(generator, recipe.Optimizer, recipe.Schedule, recipe.Train.Steps, recipe.Model.EmaDecay, "generator");
        _discriminatorUpdate = new(discriminator, opposed, recipe.Schedule, recipe.Train.Steps, name: "discriminator");
    }

    /// <summary>What is trained.</summary>
    public IReadOnlyList<TrainedPart> Parts => [_generatorUpdate.Part, _discriminatorUpdate.Part];

    /// <summary>What the last step has to say beside the generator's loss.</summary>
    public IEnumerable<Metric> Details => _details;

    private GanForm Form => _recipe.Adversary.Loss switch { GanLoss.Hinge => GanForm.Hinge, GanLoss.Wasserstein => GanForm.Wgan, _ => GanForm.NonSaturating };

    private ulong Seed => (ulong)_recipe.Seed;

    private int Count => _recipe.Train.Batch;

    public StepResult Run(long step)
    {
        int turns = _recipe.Adversary.Steps;
        for (long turn = step * turns; turn < (step + 1) * turns; turn++)
            if (Discriminate(step, turn) is { Skipped: true } failed) return failed;
        return Generate(step);
    }

    private StepResult Discriminate(long step, long turn)
    {
        _discriminatorUpdate.ClearGradients();
        double loss;
        using (TensorScope.Open("discriminator"))
        {
            Tensor real = Tensor.Empty(DType.F32, Count, _generator.Shape.Channels, _generator.Shape.Height, _generator.Shape.Width);
            int[] labels = new int[Count];
            _pictures.Next(real.AsSpan<float>(), labels);
            Tensor drawn = _generator.Draw(labels, Noise(new(Seed, (uint)turn, s_critic)));
            using Tape tape = Tape.Start();
            if (HasPenalty(turn) && _recipe.Adversary.Loss == GanLoss.NonSaturating) real.RequireGrad();
            Tensor ofReal = _discriminator.Score(real, labels), ofDrawn = _discriminator.Score(drawn, labels);
            double balance = GanBalance.Of(ofReal.AsSpan<float>(), ofDrawn.AsSpan<float>());
            _balance.Add(step, balance);
            Tensor sum = Ops.DiscriminatorLoss(Form, ofReal, ofDrawn);
            _details.Clear();
            _details.AddRange([new("discriminator_loss", sum.Item()), new("balance", balance)]);
            if (HasPenalty(turn))
            {
                Tensor penalty = _recipe.Adversary.Loss == GanLoss.Wasserstein ? LengthPenalty(turn, real, drawn, labels) : Ops.Sum(Ops.Square(Tape.GradientOf(ofReal, real))) * (0.5 / Count);
                _details.Add(new("penalty", penalty.Item()));
                sum += penalty * (_recipe.Adversary.Penalty * _recipe.Adversary.PenaltyEvery);
            }
            tape.Backward(sum);
            loss = sum.Item();
        }
        return _discriminatorUpdate.Apply(loss, 1, step);
    }

    private bool HasPenalty(long turn) =>
        _recipe.Adversary.Penalty > 0 && _recipe.Adversary.Loss != GanLoss.Hinge && turn % _recipe.Adversary.PenaltyEvery == 0;

    // Of gradients of scores that are not of length 1, with respect to pictures between a real and a drawn one.
    private Tensor LengthPenalty(long turn, Tensor real, Tensor drawn, int[] labels)
    {
        var random = new CounterRandom(Seed, (uint)turn, s_mix);
        float[] shares = [.. Enumerable.Range(0, Count).Select(i => random.Uniform(i))];
        Tensor share = Tensor.From(shares, Count, 1, 1, 1), between = (drawn + (real - drawn) * share).RequireGrad();
        Tensor gradient = Tape.GradientOf(_discriminator.Score(between, labels), between);
        return Ops.Mean(Ops.Square(Ops.Sqrt(Ops.Sum(Ops.Square(gradient), [1, 2, 3]) + 1e-12) - 1));
    }

    private StepResult Generate(long step)
    {
        _generatorUpdate.ClearGradients();
        foreach ((_, Tensor weight) in _discriminator.NamedParameters()) weight.Freeze();
        double loss;
        using (TensorScope.Open("generator"))
        using (Tape tape = Tape.Start())
        {
            var random = new CounterRandom(Seed, (uint)step, s_noise);
            int[] labels = [.. Enumerable.Range(0, Count).Select(i => random.NextInt(i, _generator.Shape.Labels))];
            Tensor deceived = Ops.GeneratorLoss(Form, _discriminator.Score(_generator.Draw(labels, Noise(random)), labels));
            tape.Backward(deceived);
            loss = deceived.Item();
        }
        foreach ((_, Tensor weight) in _discriminator.NamedParameters()) weight.RequireGrad();
        return _generatorUpdate.Apply(loss, 1, step);
    }

    private Tensor Noise(CounterRandom random)
    {
        Tensor noise = Tensor.Empty(DType.F32, Count, _generator.Config.Latent);
        random.FillNormal(noise.AsSpan<float>());
        return noise;
    }
}
