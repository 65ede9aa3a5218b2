using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Models.Diffusion.Samplers;
using Craton.Tensors;
using Craton.Tensors.IO;
using Xunit.Abstractions;

namespace Craton.Models.Tests;

/// <summary>Samplers of diffusion against the trajectories that another library took with a formula in place of the network.</summary>
[Trait("Category", "Golden")]
public sealed class SamplerFixtureTests(ITestOutputHelper output)
{
    [Fact]
    public void Trajectories()
    {
        var tally = new Tally(output);
        string folder = Fixtures.Folder("diffusion");
        foreach (JsonElement entry in Fixtures.Cases("diffusion", "sampler trajectory"))
        {
            string id = entry.Text("id"), data = Path.Combine(folder, entry.GetProperty("files")[0].GetString()!);
            JsonElement file = Fixtures.Json(Path.ChangeExtension(data, ".json"));
            using SafetensorsFile tensors = SafetensorsFile.Open(data);
            using var scope = TensorScope.Open("test");
            var c = new Trajectory(id, file.GetProperty("cases").EnumerateArray().Single(c => c.Text("id") == id), file.GetProperty("standin"), tensors);
            c.Run(tally);
            tally.Case();
        }
        tally.Finish("samplers");
    }

    [Fact]
    public void SchedulesAndTargets()
    {
        var tally = new Tally(output);
        string folder = Path.Combine(Fixtures.Folder("diffusion"), "schedulers");
        using (SafetensorsFile tensors = SafetensorsFile.Open(Path.Combine(folder, "schedules.safetensors")))
            foreach (JsonProperty c in Fixtures.Json(Path.Combine(folder, "schedules.json")).EnumerateObject())
            {
                var schedule = new NoiseSchedule(new ConfigReader(c.Name, c.Value.GetProperty("config")));
                JsonElement tolerances = c.Value.GetProperty("tensors");
                Close(tally, tensors, tolerances, $"{c.Name}.betas", [.. schedule.Betas.Select(v => (float)v)]);
                Close(tally, tensors, tolerances, $"{c.Name}.alphas_cumprod", [.. schedule.AlphaBars.Select(v => (float)v)]);
                tally.Case();
            }
        JsonElement targets = Fixtures.Json(Path.Combine(folder, "targets.json"));
        using SafetensorsFile inputs = SafetensorsFile.Open(Path.Combine(folder, "targets_inputs.safetensors"));
        using SafetensorsFile expected = SafetensorsFile.Open(Path.Combine(folder, "targets_expected.safetensors"));
        using var scope = TensorScope.Open("test");
        foreach (JsonElement c in targets.GetProperty("cases").EnumerateArray())
        {
            new Targets(c, inputs, (name, values) => Close(tally, expected, targets.GetProperty("tensors"), name, values)).Run();
            tally.Case();
        }
        tally.Finish("noise schedules and targets");
    }

    private static void Close(Tally tally, SafetensorsFile file, JsonElement tolerances, string name, float[] values)
    {
        if (!file.Contains(name)) return;
        JsonElement tolerance = tolerances.GetProperty(name);
        tally.Close(name, file.Floats(name), values, tolerance.Number("atol"), tolerance.Number("rtol"));
    }

    private static Tensor Read(SafetensorsFile file, string name, int from = 0) =>
        Tensor.From(file.Floats(name), [.. file[name].Shape.Skip(from).Select(s => (int)s)]);

    private sealed class Targets(JsonElement c, SafetensorsFile inputs, Action<string, float[]> check)
    {
        public void Run()
        {
            Tensor clean = Read(inputs, "x0"), noise = Read(inputs, "noise");
            string id = c.Text("id");
            if (c.TryGetProperty("inference_steps", out JsonElement steps))
            {
                Sampled(id, clean, noise, steps.GetInt32());
                return;
            }
            var schedule = new NoiseSchedule(new ConfigReader(id, c.GetProperty("config")));
            int[] times = inputs.Longs("timesteps");
            Tensor noisy = schedule.Noised(clean, noise, times), velocity = schedule.Velocity(clean, noise, times);
            check($"{id}.noisy", noisy.ToArray<float>());
            check($"{id}.target_v_prediction", velocity.ToArray<float>());
            check($"{id}.snr", [.. times.Select(t => (float)schedule.SignalToNoise(t))]);
            check($"{id}.min_snr_weight_epsilon", [.. times.Select(t => (float)schedule.MinSnrWeight(t, Prediction.Noise))]);
            check($"{id}.min_snr_weight_v", [.. times.Select(t => (float)schedule.MinSnrWeight(t, Prediction.Velocity))]);
            check($"{id}.loss_v", [(float)Ops.MseLoss(Ops.Tanh(noisy), velocity).Item()]);
        }

        private void Sampled(string id, Tensor clean, Tensor noise, int steps)
        {
            JsonObject config = JsonObject.Create(c.GetProperty("config"))!;
            config["_class_name"] = c.Text("scheduler");
            DiffusionSampler sampler = DiffusionSampler.Create(new ConfigReader(id, JsonElement.Parse(config.ToJsonString())), new SamplerOptions(steps));
            int[] calls = c.GetProperty("timestep_indices").Ints();
            Tensor[] noised = [.. calls.Select((call, row) => sampler.Noised(clean.Slice(0, row, row + 1), noise.Slice(0, row, row + 1), call))];
            check($"{id}.noisy", Ops.Concat(0, noised).ToArray<float>());
            check($"{id}.sigma", [.. calls.Select(call => (float)sampler.Sigmas[call])]);
        }
    }

    private sealed class Trajectory(string id, JsonElement c, JsonElement standIn, SafetensorsFile tensors)
    {
        private readonly string _name = id.Split('.')[1];

        public void Run(Tally tally)
        {
            JsonObject config = JsonObject.Create(c.GetProperty("config"))!;
            config["_class_name"] = c.Text("class");
            DiffusionSampler sampler = DiffusionSampler.Create(new ConfigReader(id, JsonElement.Parse(config.ToJsonString())), Options());
            int calls = c.GetProperty("calls").GetInt32();
            tally.Same($"{id} calls", [calls], [sampler.Timesteps.Length]);
            if (calls != sampler.Timesteps.Length) return;
            float[] times = tensors[$"{_name}.timesteps"].Format == "I64" ? [.. tensors.Longs($"{_name}.timesteps").Select(t => (float)t)] : tensors.Floats($"{_name}.timesteps");
            bool depends = c.TryGetProperty("timesteps_depend_on_rounding", out JsonElement flag) && flag.GetBoolean();
            double slack = depends ? 1 : tensors[$"{_name}.timesteps"].Format == "I64" ? 0 : c.GetProperty("tensors").GetProperty($"{_name}.timesteps").Number("atol");
            tally.Close($"{id} timesteps", times, [.. sampler.Timesteps.Select(t => (float)t)], slack);
            if (sampler.Sigmas.Length > 0) Check(tally, "sigmas", [.. sampler.Sigmas.Select(s => (float)s)]);
            tally.Relative($"{id} init_noise_sigma", c.Number("init_noise_sigma"), sampler.InitialScale, 1e-4);
            Walk(tally, sampler, times);
        }

        private void Walk(Tally tally, DiffusionSampler sampler, float[] times)
        {
            Tensor x = Read(tensors, $"{_name}.x_init");
            var found = new Dictionary<string, List<Tensor>> { ["model_input"] = [], ["model_output"] = [], ["samples"] = [], ["pred_x0"] = [] };
            Tensor? noise = tensors.Contains($"{_name}.noise") ? Read(tensors, $"{_name}.noise") : null;
            int[] drawn = c.TryGetProperty("noise_drawn", out JsonElement list) ? list.Ints() : new int[times.Length];
            tally.Same($"{id} noise_drawn", drawn, Enumerable.Range(0, times.Length).Select(i => sampler.DrawsNoise(i) ? 1 : 0));
            for (int call = 0; call < times.Length; call++)
            {
                Tensor input = sampler.Input(x, call), answer = Answer(input, times[call]);
                x = sampler.Step(answer, x, call, noise is null ? null : Ops.Select(noise, 0, call));
                found["model_input"].Add(input);
                found["model_output"].Add(answer);
                found["samples"].Add(x);
                if (sampler.Clean is { } clean) found["pred_x0"].Add(clean);
            }
            foreach ((string name, List<Tensor> values) in found)
                if (values.Count > 0) Check(tally, name, [.. values.SelectMany(v => v.ToArray<float>())]);
        }

        private Tensor Answer(Tensor x, double time)
        {
            double t = time / 1000, a = standIn.Number("a"), b = standIn.Number("b"), factor = standIn.Number("c");
            Tensor answer = x * (a * (0.4 + 0.5 * t)) + Ops.Sin(x * factor + t) * b;
            return Option("learned") is null ? answer : Ops.Concat(1, answer, Ops.Sin(x * 0.7 + 2 * t));
        }

        private void Check(Tally tally, string what, float[] values)
        {
            string name = $"{_name}.{what}";
            if (!tensors.Contains(name)) return;
            JsonElement tolerance = c.GetProperty("tensors").GetProperty(name);
            tally.Close($"{id} {what}", tensors.Floats(name), values, tolerance.Number("atol"), tolerance.Number("rtol"));
        }

        private JsonElement? Option(string name) => c.GetProperty("options").TryGetProperty(name, out JsonElement value) ? value : null;

        private SamplerOptions Options()
        {
            JsonElement steps = c.GetProperty("steps");
            bool listed = steps.ValueKind == JsonValueKind.Array;
            return new SamplerOptions(listed ? steps.GetArrayLength() : steps.GetInt32())
            {
                Timesteps = listed ? steps.Ints() : null,
                Eta = Option("eta")?.GetDouble() ?? 0,
                ReuseClipped = Option("use_clipped_model_output")?.GetBoolean() ?? false,
                Churn = Option("s_churn")?.GetDouble() ?? 0,
                ChurnFrom = Option("s_tmin")?.GetDouble() ?? 0,
                ChurnTo = Option("s_tmax")?.GetDouble() ?? double.PositiveInfinity,
                NoiseScale = Option("s_noise")?.GetDouble() ?? 1,
                Order = Option("order")?.GetInt32() ?? 4,
                Mu = Option("mu")?.GetDouble(),
                Sigmas = Option("sigmas") is { } list ? [.. list.EnumerateArray().Select(s => s.GetDouble())] : null,
            };
        }
    }
}
