using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Craton.Models.Diffusion.Discrete;
using Craton.Tensors;
using Craton.Tensors.IO;
using Xunit.Abstractions;

namespace Craton.Models.Tests;

/// <summary>Diffusion over tokens against numbers that another program computed from the same formulas.</summary>
[Trait("Category", "Golden")]
public sealed class DiscreteFixtureTests(ITestOutputHelper output)
{
    [Fact]
    public void MaskedAndDiscreteDiffusion()
    {
        var tally = new Tally(output);
        foreach (JsonElement entry in Fixtures.Cases("diffusion", "masked diffusion").Concat(Fixtures.Cases("diffusion", "discrete diffusion")))
        {
            string id = entry.Text("id"), data = Path.Combine(Fixtures.Folder("diffusion"), entry.GetProperty("files")[0].GetString()!);
            JsonElement c = Fixtures.Json(Path.ChangeExtension(data, ".json"));
            using var run = new Run(tally, c, data, entry.GetProperty("tolerance"));
            Action? check = id switch
            {
                "discrete.forward" => run.Forward,
                "discrete.loss" => run.Loss,
                "discrete.reverse" => run.Reverse,
                "discrete.ancestral" => run.Ancestral,
                "discrete.d3pm" => run.Matrices,
                _ => null,
            };
            if (check is null)
            {
                tally.Skip(id, "not built");
                continue;
            }
            tally.Case();
            check();
        }
        if (tally.Cases > 0) tally.Finish("diffusion over tokens");
    }

    private sealed class Run(Tally tally, JsonElement c, string data, JsonElement tolerance) : IDisposable
    {
        private readonly SafetensorsFile _file = SafetensorsFile.Open(data);

        public void Dispose() => _file.Dispose();

        public void Forward()
        {
            int[] ids = _file.Longs("x0");
            double[] times = Doubles("t"), uniforms = Doubles("u");
            foreach (JsonProperty form in c.GetProperty("alpha").EnumerateObject())
            {
                MaskingSchedule schedule = Schedule(form.Name, c.Number("eps"));
                Close($"{form.Name}.mask_probability", [.. times.Select(schedule.MaskProbability)]);
                Close($"{form.Name}.weight", [.. times.Select(schedule.Weight)]);
                (int[] masked, bool[] where) = schedule.Mask(ids, times, uniforms, Mask);
                tally.Same($"{form.Name}.xt", _file.Longs($"{form.Name}.xt"), masked);
                tally.Same($"{form.Name}.masked", Flags($"{form.Name}.masked"), where);
                tally.Same($"{form.Name}.xt_prompt_kept", _file.Longs($"{form.Name}.xt_prompt_kept"), schedule.Mask(ids, times, uniforms, Mask, Flags("prompt")).Ids);
            }
        }

        public void Loss()
        {
            bool[] masked = Flags("masked"), prompt = Flags("prompt");
            double[] times = Doubles("t"), probabilities = [.. times.Select(t => new MaskingSchedule(MaskingForm.Linear, c.Number("eps")).MaskProbability(t))];
            Check("llada", MaskedLoss.PerToken(masked, probabilities));
            Check("llada_sft", MaskedLoss.PerAnswer(masked, probabilities, prompt));
            Check("mdlm", MaskedLoss.PerToken(masked, times), Mask);
            Check("mean_over_masked", MaskedLoss.Mean(masked));

            void Check(string name, float[] weights, int? excluded = null)
            {
                using var scope = TensorScope.Open("test");
                using var tape = Tape.Start();
                int[] shape = [.. _file["logits"].Shape.Select(s => (int)s)];
                Tensor logits = Tensor.From(_file.Floats("logits"), shape).RequireGrad();
                Tensor loss = MaskedLoss.Sum(logits, Tensor.From(_file.Longs("x0"), shape[0], shape[1]), weights, excluded);
                tape.Backward(loss);
                tally.Close(name, [(float)c.GetProperty("loss").Number(name)], [(float)loss.Item()], tolerance.Number("atol"), tolerance.Number("rtol"));
                float[] gradient = [.. Doubles($"{name}.grad_logits").Select(g => (float)g)];
                tally.Close($"{name}.grad_logits", gradient, logits.Grad!.ToArray<float>(), tolerance.Number("atol"), tolerance.Number("rtol"));
            }
        }

        public void Reverse()
        {
            foreach (JsonElement run in c.GetProperty("cases").EnumerateArray())
            {
                string name = run.Text("id");
                int mask = run.GetProperty("mask_id").GetInt32(), vocabulary = run.GetProperty("vocabulary").GetInt32();
                int prompt = run.GetProperty("prompt_length").GetInt32(), length = run.GetProperty("generated_length").GetInt32(), places = prompt + length;
                var options = new UnmaskingOptions(run.GetProperty("steps").GetInt32())
                {
                    Blocks = run.GetProperty("blocks").GetInt32(),
                    Temperature = run.Number("temperature"),
                    Guidance = run.Number("guidance"),
                    RandomOrder = run.Text("order") == "random",
                };
                int[] states = _file.Longs($"{name}.x"), predicted = _file.Longs($"{name}.predicted");
                double[] noise = options.Temperature > 0 ? Doubles($"{name}.u") : [], order = options.RandomOrder ? Doubles($"{name}.confidence_u") : [];
                Func<int[], int, float[]> scores = (_, step) => _file.Floats($"{name}.logits")[(step * places * vocabulary)..((step + 1) * places * vocabulary)];
                Func<int[], int, float[]> plain = (_, step) => _file.Floats($"{name}.unconditional_logits")[(step * places * vocabulary)..((step + 1) * places * vocabulary)];
                UnmaskingStep[] steps = [.. new UnmaskingSampler(mask, options).Run(states[..prompt], length, scores, plain,
                    (step, place, id) => id < 0 ? order[step * places + place] : noise[(step * places + place) * vocabulary + id])];
                tally.Same($"{name}.x", states[places..], steps.SelectMany(s => s.Ids));
                tally.Same($"{name}.accepted", Flags($"{name}.accepted"), steps.SelectMany(s => s.Accepted));
                Close($"{name}.confidence", [.. steps.SelectMany(s => s.Confidence).Select(v => double.IsNegativeInfinity(v) ? -1 : v)]);
                // What is expected of places that are fixed already is not looked at here.
                int[] open = [.. Enumerable.Range(0, predicted.Length).Where(i => states[i] == mask)], got = [.. steps.SelectMany(s => s.Predicted)];
                tally.Same($"{name}.predicted", open.Select(i => predicted[i]), open.Select(i => got[i]));
            }
        }

        public void Ancestral()
        {
            var process = new AncestralUnmasking(Mask);
            double[] times = Doubles("t"), uniforms = Doubles("u"), transitions = Doubles("transition");
            float[] logits = _file.Floats("logits");
            int[] states = _file.Longs("x"), shape = [.. _file["logits"].Shape.Select(s => (int)s)];
            (int places, int vocabulary) = (shape[1] * shape[2], shape[3]);
            for (int step = 0; step < shape[0]; step++)
            {
                int from = step * places * vocabulary, now = step;
                ReadOnlySpan<int> before = states.AsSpan(step * places, places);
                int[] next = process.Step(before, logits.AsSpan(from, places * vocabulary), times[step], times[step + 1], (place, id) => uniforms[now * places * vocabulary + place * vocabulary + id]);
                tally.Same($"x after step {step}", states[((step + 1) * places)..((step + 2) * places)], next);
                for (int place = 0; place < places; place++)
                {
                    int row = from + place * vocabulary;
                    Close($"transition {step} {place}", transitions[row..(row + vocabulary)], process.Transition(logits.AsSpan(row, vocabulary), times[step], times[step + 1]));
                }
            }
        }

        public void Matrices()
        {
            int states = c.GetProperty("states").GetInt32();
            int[] clean = _file.Longs("x0"), times = _file.Longs("t");
            float[] logits = _file.Floats("x0_logits");
            double[] uniforms = Doubles("u");
            foreach (JsonProperty beta in c.GetProperty("beta").EnumerateObject())
            {
                double[] betas = [.. beta.Value.EnumerateArray().Select(b => b.GetDouble())];
                DiscreteProcess process = beta.Name == "uniform" ? DiscreteProcess.Uniform(states, betas) : DiscreteProcess.Absorbing(states, betas);
                int[] noised = [.. clean.Select((state, i) => process.Noised(state, times[i], uniforms[i]))];
                tally.Same($"{beta.Name}.xt", _file.Longs($"{beta.Name}.xt"), noised);
                double[][] posterior = [.. clean.Select((state, i) => process.Posterior(state, noised[i], times[i]))];
                double[][] model = [.. clean.Select((_, i) => process.ModelPosterior(logits.AsSpan(i * states, states), noised[i], times[i]))];
                Close($"{beta.Name}.Q", [.. betas.SelectMany((_, t) => process.Step(t).Cast<double>())]);
                Close($"{beta.Name}.Qbar", [.. betas.SelectMany((_, t) => process.Product(t).Cast<double>())]);
                Close($"{beta.Name}.posterior", [.. posterior.SelectMany(p => p)]);
                Close($"{beta.Name}.model_posterior", [.. model.SelectMany(p => p)]);
                Close($"{beta.Name}.kl", [.. posterior.Select((p, i) => DiscreteProcess.Divergence(p, model[i]))]);
            }
        }

        private int Mask => c.GetProperty("mask_id").GetInt32();

        private static MaskingSchedule Schedule(string name, double eps) => name switch
        {
            "linear" => new(MaskingForm.Linear, eps),
            "loglinear" => new(MaskingForm.LogLinear, eps),
            "cosine" => new(MaskingForm.Cosine, eps),
            _ when name.StartsWith("polynomial", StringComparison.Ordinal) => new(MaskingForm.Polynomial, eps, double.Parse(name["polynomial".Length..], CultureInfo.InvariantCulture)),
            _ => throw new InvalidDataException($"no schedule {name}"),
        };

        private bool[] Flags(string name)
        {
            byte[] flags = new byte[_file[name].Count];
            _file.Read(name, flags);
            return [.. flags.Select(flag => flag != 0)];
        }

        private double[] Doubles(string name)
        {
            double[] values = new double[_file[name].Count];
            _file.Read(name, MemoryMarshal.AsBytes(values.AsSpan()));
            return values;
        }

        private void Close(string name, double[] got) => Close(name, Doubles(name), got);

        private void Close(string name, double[] expected, double[] got)
        {
            double worst = expected.Length == got.Length ? expected.Zip(got, (e, g) => Math.Abs(e - g) - tolerance.Number("rtol") * Math.Abs(e)).Max() : double.PositiveInfinity;
            tally.That(worst <= tolerance.Number("atol"), () => $"{name}: {got.Length} values for {expected.Length}, the greatest difference {worst:g4}");
        }
    }
}
