using System.Text.Json.Nodes;
using Craton.Models.Diffusion.Samplers;
using Craton.Tensors;

namespace Craton.Models.Diffusion;

/// <summary>Both ways between pictures and noise: what a network is trained to answer, and how its answers become a picture.</summary>
public sealed class DiffusionProcess
{
    private readonly ConfigReader _settings;

    /// <summary>Reads the settings of the forward process and of the sampler.</summary>
    /// <param name="settings">The content of <c>scheduler_config.json</c>.</param>
    /// <exception cref="CratonException">A setting is not supported or out of range.</exception>
    public DiffusionProcess(ConfigReader settings)
    {
        _settings = settings;
        var sampler = DiffusionSampler.Create(settings, new SamplerOptions(1));
        (Schedule, Prediction) = (sampler.Schedule, sampler.Prediction);
    }

    /// <summary>The forward process.</summary>
    public NoiseSchedule Schedule { get; }

    /// <summary>What the network answers.</summary>
    public Prediction Prediction { get; }

    /// <summary>The content of <c>scheduler_config.json</c>.</summary>
    public JsonObject ToJson() => _settings.ToJson();

    /// <summary>The process that a model is trained with here, drawn from the last step of training on.</summary>
    /// <param name="schedule">The schedule of noise, such as <c>linear</c> or <c>squaredcos_cap_v2</c>.</param>
    /// <param name="prediction">What the network answers.</param>
    /// <param name="clips">Whether what is drawn lies between −1 and 1, as pixels do.</param>
    /// <param name="renews">Whether new noise takes the place of some of the old in every step of drawing, as in DDPM; otherwise all that is drawn follows from the first, as in DDIM.</param>
    public static DiffusionProcess Create(string schedule, Prediction prediction, bool clips = true, bool renews = false) => new(ConfigReader.Of("scheduler", new JsonObject
    {
        ["_class_name"] = renews ? "DDPMScheduler" : "DDIMScheduler",
        ["num_train_timesteps"] = 1000,
        ["beta_schedule"] = schedule,
        ["beta_start"] = 0.0001,
        ["beta_end"] = 0.02,
        ["prediction_type"] = prediction switch
        {
            Prediction.Noise => "epsilon",
            Prediction.Clean => "sample",
            Prediction.Velocity => "v_prediction",
            _ => "flow_prediction",
        },
        ["clip_sample"] = clips,
        ["timestep_spacing"] = "trailing",
    }));

    /// <summary>Timesteps of training for a batch: one at random out of each of so many equally probable parts of all.</summary>
    /// <param name="count">How many.</param>
    /// <param name="random">What is random in them.</param>
    /// <param name="spread">
    /// 1: all timesteps are equally probable. Less: the more so the nearer they are to the middle, where pictures take shape; the logit of t / T is
    /// logistic with this scale (P. Esser et al., "Scaling Rectified Flow Transformers for High-Resolution Image Synthesis", 2024, have it normal).
    /// </param>
    public int[] Timesteps(int count, CounterRandom random, double spread = 1)
    {
        return [.. Enumerable.Range(0, count).Select(i => (int)Math.Min(Schedule.Steps - 1, Gathered((i + random.Uniform(i)) / count) * Schedule.Steps))];

        double Gathered(double share)
        {
            if (spread == 1 || share <= 0 || share >= 1) return share;
            return 1 / (1 + DeterministicMath.Exp(-spread * DeterministicMath.Log(share / (1 - share))));
        }
    }

    /// <summary>The mean squared distance of the network's answer from what it should be.</summary>
    /// <param name="clean">Pictures of −1 to 1, [N, C, H, W].</param>
    /// <param name="noise">Normal noise of their shape.</param>
    /// <param name="timesteps">A timestep for each.</param>
    /// <param name="network">Answers for pictures with noise [N, C, H, W] and times F32 [N].</param>
    /// <param name="mostWeight">The limit of <see cref="NoiseSchedule.LimitedWeight"/>; null: errors of the answer count the same at all timesteps.</param>
    public Tensor Loss(Tensor clean, Tensor noise, ReadOnlySpan<int> timesteps, Func<Tensor, Tensor, Tensor> network, double? mostWeight = null)
    {
        float[] times = new float[timesteps.Length];
        for (int i = 0; i < times.Length; i++) times[i] = timesteps[i];
        Tensor target = Prediction switch
        {
            Prediction.Noise => noise,
            Prediction.Clean => clean,
            Prediction.Velocity => Schedule.Velocity(clean, noise, timesteps),
            _ => noise - clean,
        };
        Tensor error = Ops.Square(network(Schedule.Noised(clean, noise, timesteps), Tensor.From(times, times.Length)) - target);
        if (mostWeight is not { } most) return Ops.Mean(error);
        float[] weights = new float[timesteps.Length];
        for (int i = 0; i < weights.Length; i++) weights[i] = (float)Schedule.LimitedWeight(timesteps[i], Prediction, most);
        return Ops.Mean(error * Tensor.From(weights, weights.Length, 1, 1, 1));
    }

    /// <summary>Makes pictures of noise. Guided answers leave the range of pictures: what is left of the noise follows from the clipped picture.</summary>
    /// <param name="drawing">Steps and restarts; answers are guided by the network already.</param>
    /// <param name="draw">Normal noise [N, C, H, W]: number 0 to start from, then others where the sampler draws noise or starts again; no number twice.</param>
    /// <param name="network">Answers for pictures with noise [N, C, H, W] at a time.</param>
    /// <param name="watch">Is shown the number of every call and what it leaves.</param>
    /// <returns>Pictures [N, C, H, W], of about −1 to 1.</returns>
    /// <exception cref="CratonException">A setting of the sampler is not supported.</exception>
    public Tensor Draw(DrawingSettings drawing, Func<int, Tensor> draw, Func<Tensor, double, Tensor> network, Action<int, Tensor>? watch = null)
    {
        int calls = 0, drawn = 0;
        Tensor x = draw(drawn++);
        for (int pass = 0; pass <= drawing.Restarts; pass++)
        {
            var sampler = DiffusionSampler.Create(_settings, new SamplerOptions(drawing.Steps) { ReuseClipped = true });
            int first = pass == 0 ? 0 : drawing.FirstAgain;
            if (pass == 0) x *= sampler.InitialScale;
            else x = Noised(x, draw(drawn++), sampler.Timesteps[first]);
            for (int call = first; call < sampler.Timesteps.Length; call++)
            {
                Tensor output = Answer(network, sampler.Input(x, call), sampler.Timesteps[call]);
                x = sampler.Step(output, x, call, sampler.DrawsNoise(call) ? draw(drawn++) : null);
                watch?.Invoke(calls++, x);
            }
        }
        return x;
    }

    private Tensor Noised(Tensor clean, Tensor noise, double timestep)
    {
        int[] times = new int[clean.Size(0)];
        Array.Fill(times, (int)timestep);
        return Schedule.Noised(clean, noise, times);
    }

    /// <summary>
    /// The answer moved away from what the network answers without knowing what is drawn: unknown + guidance · (known − unknown). J. Ho,
    /// T. Salimans, "Classifier-Free Diffusion Guidance", 2022.
    /// </summary>
    /// <param name="answers">Those that know, then those that do not, [2 N, C, H, W].</param>
    /// <param name="guidance">1 for the known answers themselves.</param>
    public static Tensor Guided(Tensor answers, double guidance)
    {
        int half = answers.Size(0) / 2;
        Tensor known = answers.Slice(0, 0, half), unknown = answers.Slice(0, half);
        return unknown + (known - unknown) * guidance;
    }

    // What the network computes on its way is released at once.
    private static Tensor Answer(Func<Tensor, double, Tensor> network, Tensor x, double time)
    {
        using var scope = TensorScope.Open("network");
        return scope.Keep(network(x, time));
    }
}
