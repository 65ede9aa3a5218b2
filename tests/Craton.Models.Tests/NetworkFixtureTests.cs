using System.Text.Json;
using Craton.Models.Diffusion;
using Craton.Models.Diffusion.Networks;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;
using Xunit.Abstractions;

namespace Craton.Models.Tests;

/// <summary>Networks of diffusion against what another library computes with the same weights.</summary>
[Trait("Category", "Golden")]
public sealed class NetworkFixtureTests(ITestOutputHelper output)
{
    [Fact]
    public void OutputsAndGradients()
    {
        var tally = new Tally(output);
        foreach (JsonElement entry in Fixtures.Cases("diffusion", "model"))
        {
            string folder = Path.GetDirectoryName(Path.Combine(Fixtures.Folder("diffusion"), entry.GetProperty("files")[0].GetString()!))!;
            string kind = Fixtures.Json(Path.Combine(folder, "config.json")).Text("_class_name");
            if (kind is "AutoencoderKL" or "VQModel" or "ControlNetModel") continue; // other tests
            if (Network.Open(kind, folder) is not { } network)
            {
                tally.Skip(entry.Text("id"), $"{kind} is not built");
                continue;
            }
            tally.Case();
            using var c = new DiffusionCase(tally, folder);
            Check(c, network);
            Saved(tally, kind, folder, network);
        }
        tally.Finish("networks of diffusion");
    }

    [Fact]
    public void ControlOfANetwork()
    {
        var tally = new Tally(output);
        foreach (JsonElement entry in Fixtures.Cases("diffusion", "model"))
        {
            string folder = Path.GetDirectoryName(Path.Combine(Fixtures.Folder("diffusion"), entry.GetProperty("files")[0].GetString()!))!;
            if (Fixtures.Json(Path.Combine(folder, "config.json")).Text("_class_name") != "ControlNetModel") continue;
            tally.Case();
            using var c = new DiffusionCase(tally, folder);
            using var temporary = new TemporaryFolder();
            ControlNetModel.Load(folder).Save(temporary.At("control"));
            ControlNetModel control = ControlNetModel.Load(temporary.At("control"));
            UNet2DConditionModel network = UNet2DConditionModel.Load(Path.Combine(folder, "..", "unet_cond_sd1"));
            foreach (JsonElement call in c.Calls)
            {
                using var scope = TensorScope.Open("test");
                JsonElement arguments = call.GetProperty("args");
                var a = new Arguments(arguments, c.Inputs);
                (Tensor x, Tensor context) = (a.Tensor("sample"), a.Tensor("encoder_hidden_states"));
                bool guesses = arguments.TryGetProperty("guess_mode", out JsonElement guess) && guess.GetBoolean();
                ControlResiduals residuals = control.Forward(x, a.Times(), context, a.Tensor("controlnet_cond"), arguments.Number("conditioning_scale"), guesses);
                string name = call.Text("name");
                for (int i = 0; i < residuals.Down.Count; i++) c.Close($"{name}.down.{i}", residuals.Down[i]);
                c.Close($"{name}.mid", residuals.Middle);
                c.Close($"{name}.unet_out", network.Forward(x, a.Times(), context, new UNetConditions { Control = residuals }));
            }
        }
        if (tally.Cases > 0) tally.Finish("control");
    }

    [Fact]
    public void LowRankUpdates()
    {
        var tally = new Tally(output);
        foreach (JsonElement entry in Fixtures.Cases("diffusion", "lora"))
        {
            string root = Fixtures.Folder("diffusion");
            string folder = Path.GetDirectoryName(Path.Combine(root, entry.GetProperty("files").EnumerateArray().First(f => f.GetString()!.EndsWith("case.json", StringComparison.Ordinal)).GetString()!))!;
            tally.Case();
            using var c = new DiffusionCase(tally, folder);
            var a = new Arguments(c.Content.GetProperty("args"), c.Inputs);
            Compare("none", null, 0);
            foreach (JsonProperty layout in c.Content.GetProperty("layouts").EnumerateObject())
            {
                string file = Path.Combine(folder, layout.Value.GetString()!);
                Compare($"{layout.Name}.full", file, 1);
                Compare($"{layout.Name}.half", file, 0.5);
                Compare($"{layout.Name}.fused", file, 1);
            }

            void Compare(string name, string? file, double scale)
            {
                using var scope = TensorScope.Open("test");
                UNet2DConditionModel network = UNet2DConditionModel.Load(Path.Combine(root, c.Content.Text("base")));
                if (file is not null) LoraFile.Load(file).MergeInto(network, scale);
                c.Close($"{name}.out", network.Forward(a.Tensor("sample"), a.Times(), a.Tensor("encoder_hidden_states")));
            }
        }
        if (tally.Cases > 0) tally.Finish("low-rank updates");
    }

    private static void Check(DiffusionCase c, Network network)
    {
        foreach (JsonElement call in c.Calls)
        {
            using var scope = TensorScope.Open("test");
            c.Close($"{call.Text("name")}.out", network.Run(new Arguments(call.GetProperty("args"), c.Inputs)));
        }
        if (c.Gradient is not { } gradient) return;
        JsonElement first = c.Calls.Single(call => call.Text("name") == gradient.Text("of_call"));
        c.CheckGradients(network.Model, () => network.Run(new Arguments(first.GetProperty("args"), c.Inputs)));
    }

    // What is written is read back the same.
    private static void Saved(Tally tally, string kind, string folder, Network network)
    {
        using var temporary = new TemporaryFolder();
        network.Save(temporary.At("network"));
        Network again = Network.Open(kind, temporary.At("network"))!;
        foreach (((string name, Tensor first), (_, Tensor second)) in network.Model.NamedParameters().Zip(again.Model.NamedParameters()))
            tally.That(first.AsSpan<float>().SequenceEqual(second.AsSpan<float>()), () => $"{folder}: {name} changed on its way through a file");
    }

    /// <summary>A network that was read from a folder, and how it is called.</summary>
    private sealed record Network(Module Model, Func<Arguments, Tensor> Run, Action<string> Save)
    {
        public static Network? Open(string kind, string folder) => kind switch
        {
            "UNet2DModel" => Of(UNet2DModel.Load(folder)),
            "UNet2DConditionModel" => Of(UNet2DConditionModel.Load(folder)),
            "Transformer2DModel" => Of(Transformer2DModel.Load(folder)),
            "DiTTransformer2DModel" => Of(DitTransformer2DModel.Load(folder)),
            "PixArtTransformer2DModel" => Of(PixArtTransformer2DModel.Load(folder)),
            "SD3Transformer2DModel" => Of(Sd3Transformer2DModel.Load(folder)),
            "FluxTransformer2DModel" => Of(FluxTransformer2DModel.Load(folder)),
            _ => null,
        };

        private static Network Of(UNet2DModel model) => new(model, a => model.Forward(a.Tensor("sample"), a.Times(), a.Numbers("class_labels")), model.Save);

        private static Network Of(UNet2DConditionModel model) => new(model, a => model.Forward(a.Tensor("sample"), a.Times(), a.Tensor("encoder_hidden_states"), new UNetConditions
        {
            ContextMask = a.Optional("encoder_attention_mask"),
            Classes = a.Numbers("class_labels"),
            PooledText = a.Inside("added_cond_kwargs")?.Optional("text_embeds"),
            Sizes = a.Inside("added_cond_kwargs")?.Optional("time_ids"),
        }), model.Save);

        private static Network Of(Transformer2DModel model) =>
            new(model, a => model.Forward(a.Tensor("hidden_states"), a.Optional("encoder_hidden_states"), a.Optional("encoder_attention_mask")), model.Save);

        private static Network Of(DitTransformer2DModel model) => new(model, a => model.Forward(a.Tensor("hidden_states"), a.Times(), a.Numbers("class_labels")!), model.Save);

        private static Network Of(PixArtTransformer2DModel model) => new(
            model, a => model.Forward(a.Tensor("hidden_states"), a.Times(), a.Tensor("encoder_hidden_states"), a.Optional("encoder_attention_mask")), model.Save);

        private static Network Of(Sd3Transformer2DModel model) =>
            new(model, a => model.Forward(a.Tensor("hidden_states"), a.Times(), a.Tensor("encoder_hidden_states"), a.Tensor("pooled_projections")), model.Save);

        private static Network Of(FluxTransformer2DModel model) => new(
            model,
            a => model.Forward(
                a.Tensor("hidden_states"), a.Times(), a.Tensor("encoder_hidden_states"), a.Tensor("pooled_projections"),
                Ops.Concat(0, a.Optional("txt_ids")!, a.Optional("img_ids")!), a.Optional("guidance")),
            model.Save);
    }

    /// <summary>The arguments of a call: tensors of the inputs, or numbers.</summary>
    private sealed class Arguments(JsonElement arguments, SafetensorsFile inputs)
    {
        public Tensor Tensor(string name) => DiffusionCase.Read(inputs, arguments.Text(name)[1..]);

        public Tensor? Optional(string name) => arguments.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? Floats(value.GetString()![1..]) : null;

        public Tensor? Numbers(string name) => arguments.TryGetProperty(name, out JsonElement value)
            ? Tensors.Tensor.From(inputs.Longs(value.GetString()![1..]), (int)inputs[value.GetString()![1..]].Count)
            : null;

        public Arguments? Inside(string name) => arguments.TryGetProperty(name, out JsonElement value) ? new Arguments(value, inputs) : null;

        /// <summary>One time for each sample, or one for all.</summary>
        public Tensor Times()
        {
            JsonElement time = arguments.GetProperty("timestep");
            return time.ValueKind == JsonValueKind.Number ? Tensors.Tensor.Full(time.GetSingle(), Tensor(Sample).Size(0)) : Floats(time.GetString()![1..]);
        }

        private string Sample => arguments.TryGetProperty("sample", out _) ? "sample" : "hidden_states";

        private Tensor Floats(string name) => inputs[name].Format == "I64"
            ? Tensors.Tensor.From([.. inputs.Longs(name).Select(t => (float)t)], [.. inputs[name].Shape.Select(s => (int)s)])
            : DiffusionCase.Read(inputs, name);
    }
}
