using System.Runtime.InteropServices;
using System.Text.Json;
using Craton.Models;
using Craton.Models.Diffusion.Networks;
using Craton.Models.Diffusion.Samplers;
using Craton.Tensors.Kernels;
using Craton.Training.Optimizers;
using Xunit.Abstractions;

namespace Craton.Training.Tests.Golden;

/// <summary>Training of diffusion models against steps that another library took from the same weights.</summary>
[Trait("Category", "Golden")]
public sealed class DiffusionFixtureTests(ITestOutputHelper output)
{
    private readonly List<string> _failures = [];
    private int _checks;

    [Fact]
    public void StepsOfTraining() => ForEachCase("training steps", (files, _) =>
    {
        using SafetensorsFile steps = SafetensorsFile.Open(files[0]);
        JsonElement content = GoldenRunner.Read(files[1]);
        foreach (JsonElement run in content.GetProperty("cases").EnumerateArray())
            Train(run, steps, Path.Combine(GoldenRunner.Root, "diffusion", content.GetProperty("checkpoint").GetString()!), content.GetProperty("tolerance"));
    });

    [Fact]
    public void AveragesOfWeights() => ForEachCase("weight averaging", (files, tolerance) =>
    {
        using SafetensorsFile tensors = SafetensorsFile.Open(files[0]);
        Tensor all = Read(tensors, "parameters");
        foreach (JsonElement run in GoldenRunner.Read(files[1]).GetProperty("cases").EnumerateArray())
        {
            string id = run.GetProperty("id").GetString()!;
            JsonElement config = run.GetProperty("config");
            double Setting(string name, double otherwise) => config.TryGetProperty(name, out JsonElement value) ? value.GetDouble() : otherwise;
            var schedule = new EmaSchedule(Setting("decay", 0.9999))
            {
                Least = Setting("min_decay", 0),
                After = (long)Setting("update_after_step", 0),
                WarmsUp = config.TryGetProperty("use_ema_warmup", out JsonElement warms) && warms.GetBoolean(),
                InverseGamma = Setting("inv_gamma", 1),
                Power = Setting("power", 2.0 / 3),
            };
            Tensor parameter = Tensor.Parameter(DType.F32, all.Size(1));
            parameter.Assign(Ops.Select(all, 0, 0));
            var ema = new Ema([new NamedParameter("w", parameter)], schedule);
            double[] decays = [.. run.GetProperty("decays").EnumerateArray().Select(d => d.GetDouble())];
            float[] shadows = Read(tensors, $"{id}.shadow").ToArray<float>();
            for (int k = 1; k <= decays.Length; k++)
            {
                parameter.Assign(Ops.Select(all, 0, k));
                ema.Update();
                Close($"{id} decay {k}", [decays[k - 1]], [schedule.At(k)], tolerance);
                double[] got = [.. ema.State.Single().Tensor.ToArray<float>().Select(v => (double)v)];
                Close($"{id} shadow {k}", [.. shadows[((k - 1) * got.Length)..(k * got.Length)].Select(v => (double)v)], got, tolerance);
            }
        }
    });

    private void Train(JsonElement run, SafetensorsFile steps, string checkpoint, JsonElement tolerance)
    {
        string id = run.GetProperty("id").GetString()!;
        JsonElement settings = run.GetProperty("optimizer");
        bool velocity = run.GetProperty("prediction_type").GetString() == "v_prediction";
        var schedule = new NoiseSchedule(new ConfigReader(id, run.GetProperty("scheduler")));
        UNet2DModel model = UNet2DModel.Load(checkpoint);
        NamedParameter[] parameters = [.. model.NamedParameters().Select(p => new NamedParameter(p.Name, p.Tensor) { Decays = true })];
        var pass = new ParameterPass(parameters.Select(p => p.Tensor));
        var optimizer = new AdamW(parameters, new AdamWOptions(
            settings.GetProperty("lr").GetDouble(), settings.GetProperty("betas")[0].GetDouble(), settings.GetProperty("betas")[1].GetDouble(),
            settings.GetProperty("eps").GetDouble(), settings.GetProperty("weight_decay").GetDouble()));
        Tensor images = Read(steps, $"{id}.x0"), noises = Read(steps, $"{id}.noise");
        int[] times = Longs(steps, $"{id}.timesteps");
        int batch = images.Size(1);
        for (int k = 0; k < images.Size(0); k++)
        {
            foreach (NamedParameter parameter in parameters) parameter.Tensor.ClearGrad();
            using var scope = TensorScope.Open("step");
            using var tape = Tape.Start();
            int[] timesteps = times[(k * batch)..((k + 1) * batch)];
            Tensor clean = Ops.Select(images, 0, k), noise = Ops.Select(noises, 0, k);
            Tensor answer = model.Forward(schedule.Noised(clean, noise, timesteps), Tensor.From([.. timesteps.Select(t => (float)t)], batch));
            Tensor loss = Ops.MseLoss(answer, velocity ? schedule.Velocity(clean, noise, timesteps) : noise);
            tape.Backward(loss);
            double norm = pass.GradientNorm();
            Close($"{id} loss {k}", [run.GetProperty("losses")[k].GetDouble()], [loss.Item()], tolerance.GetProperty("loss"));
            Close($"{id} norm {k}", [run.GetProperty("gradient_norms")[k].GetDouble()], [norm], tolerance.GetProperty("gradient_norm"));
            optimizer.Step(1, GradientClipping.Scale(norm, run.GetProperty("max_norm").GetDouble()));
        }
        using var probe = TensorScope.Open("probe");
        Tensor after = model.Forward(Read(steps, "probe"), Tensor.From([.. Longs(steps, "probe_timesteps").Select(t => (float)t)], Read(steps, "probe").Size(0)));
        Close($"{id} probe", [.. Read(steps, $"{id}.probe_out").ToArray<float>().Select(v => (double)v)], [.. after.ToArray<float>().Select(v => (double)v)], tolerance.GetProperty("probe_out"));
    }

    private void ForEachCase(string kind, Action<string[], JsonElement> run)
    {
        string folder = Path.Combine(GoldenRunner.Root, "diffusion");
        int cases = 0;
        foreach (JsonElement entry in GoldenRunner.Read(Path.Combine(folder, "manifest.json")).GetProperty("cases").EnumerateArray())
        {
            if (entry.GetProperty("kind").GetString() != kind) continue;
            cases++;
            run([.. entry.GetProperty("files").EnumerateArray().Select(f => Path.Combine(folder, f.GetString()!))], entry.GetProperty("tolerance"));
        }
        output.WriteLine($"{kind}: {cases} cases, {_checks} checks");
        Assert.True(_failures.Count == 0, string.Join('\n', _failures.Take(12)));
    }

    private void Close(string name, double[] expected, double[] got, JsonElement tolerance)
    {
        _checks++;
        (double atol, double rtol) = (tolerance.GetProperty("atol").GetDouble(), tolerance.GetProperty("rtol").GetDouble());
        double worst = expected.Length == got.Length ? expected.Zip(got, (e, g) => Math.Abs(e - g) - rtol * Math.Abs(e)).Max() : double.PositiveInfinity;
        if (!(worst <= atol)) _failures.Add($"{name}: expected {expected[0]}, got {got[0]}, the greatest difference {worst:g4}");
    }

    private static Tensor Read(SafetensorsFile file, string name)
    {
        float[] values = new float[file[name].Count];
        file.ReadFloats(name, values);
        return Tensor.From(values, [.. file[name].Shape.Select(s => (int)s)]);
    }

    private static int[] Longs(SafetensorsFile file, string name)
    {
        long[] values = new long[file[name].Count];
        file.Read(name, MemoryMarshal.AsBytes(values.AsSpan()));
        return Array.ConvertAll(values, value => checked((int)value));
    }
}
