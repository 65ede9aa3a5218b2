using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Models.Diffusion;

/// <summary>
/// A low-rank update of the weights of a network for pictures, and of its text encoder: W becomes W + scale · (alpha / rank) · up · down. E. Hu et
/// al., "LoRA", 2021. The keys may have the layout of kohya, of PEFT or of earlier diffusers.
/// </summary>
public sealed class LoraFile
{
    private const int MostRank = 1 << 14;

    // What follows the path of a layer, for the two factors.
    private static readonly (string Down, string Up)[] Suffixes = [(".lora_down.weight", ".lora_up.weight"), (".lora_A.weight", ".lora_B.weight"), (".lora.down.weight", ".lora.up.weight")];

    private readonly string _path;
    private readonly Dictionary<(bool OfTexts, string Layer), Update> _updates = [];

    private LoraFile(string path, SafetensorsFile file)
    {
        _path = path;
        foreach (SafetensorsEntry entry in file.Tensors)
            foreach ((string down, string up) in Suffixes)
                if (entry.Name.EndsWith(down, StringComparison.Ordinal))
                {
                    string layer = entry.Name[..^down.Length];
                    _updates[PartOf(layer)] = Read(file, entry, file.Contains(layer + up) ? file[layer + up] : throw Wrong($"'{layer}' has a factor '{down}' and none '{up}'"), layer + ".alpha");
                }
        int known = _updates.Values.Sum(update => update.Tensors);
        if (known == 0) throw Wrong("it holds no low-rank factors under names that are known");
        if (known != file.Tensors.Count) throw Wrong($"{file.Tensors.Count - known} of its {file.Tensors.Count} tensors are no low-rank factors; what they do is not built");
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="CratonException">It is damaged, or holds anything but low-rank factors.</exception>
    public static LoraFile Load(string path)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        return new LoraFile(path, file);
    }

    /// <summary>Adds the update to the weights of a network; with the negative scale it is taken back, up to rounding.</summary>
    /// <param name="network">A U-Net.</param>
    /// <param name="scale">Factor on the update.</param>
    /// <param name="texts">Its text encoder; null where the file does not update one.</param>
    /// <exception cref="CratonException">The file updates a layer that the models do not have, or one of another shape; no weight has changed then.</exception>
    public void MergeInto(Module network, double scale = 1, Module? texts = null)
    {
        Dictionary<string, Tensor> ofNetwork = Weights(network), ofTexts = texts is null ? [] : Weights(texts);
        var merged = new List<(Tensor Weight, Update Update)>();
        foreach (((bool isOfTexts, string layer), Update update) in _updates)
        {
            if (!(isOfTexts ? ofTexts : ofNetwork).TryGetValue(layer, out Tensor? weight))
                throw Wrong($"it updates a layer '{layer}', which {(!isOfTexts ? "the network does not have" : texts is null ? "belongs to a text encoder; give that as well" : "the text encoder does not have")}");
            if (weight.Size(0) != update.Outputs || weight.Count != (long)update.Outputs * update.Inputs) throw Wrong($"it updates '{layer}' by {update.Outputs} × {update.Inputs} numbers, expected {weight.Layout}");
            merged.Add((weight, update));
        }
        foreach ((Tensor weight, Update update) in merged)
        {
            using var scope = TensorScope.Open("lora");
            Tensor change = Ops.MatMul(Tensor.From(update.Up, update.Outputs, update.Rank), Tensor.From(update.Down, update.Rank, update.Inputs));
            weight.Assign(weight.Detach() + change.View(weight.Shape) * (scale * update.Scale));
        }
    }

    private static Dictionary<string, Tensor> Weights(Module model) => model.NamedParameters().Where(p => p.Name.EndsWith(".weight", StringComparison.Ordinal))
        .ToDictionary(p => Plain(p.Name[..^".weight".Length]), p => p.Tensor, StringComparer.Ordinal);

    // Kohya's names have no dots, so all names are compared without.
    private static string Plain(string layer) => layer.Replace('.', '_');

    // Which model a layer belongs to, and its name there.
    private static (bool OfTexts, string Layer) PartOf(string layer)
    {
        string plain = Without("base_model_model_", Plain(layer)), ofTexts = Without("text_encoder_", Without("lora_te_", plain));
        return ofTexts == plain ? (false, Without("unet_", Without("lora_unet_", plain))) : (true, Without("text_model_", ofTexts));
    }

    private static string Without(string prefix, string name) => name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name;

    private Update Read(SafetensorsFile file, SafetensorsEntry down, SafetensorsEntry up, string alphaName)
    {
        if (down.Shape.Count < 2 || up.Shape.Count < 2 || down.Shape[0] != up.Shape[1] || down.Shape[0] is < 1 or > MostRank || up.Shape.Skip(2).Any(s => s != 1))
            throw Wrong($"'{down.Name}' and '{up.Name}': expected factors [rank, inputs] and [outputs, rank], got [{string.Join(", ", down.Shape)}] and [{string.Join(", ", up.Shape)}]");
        int rank = (int)down.Shape[0];
        bool hasAlpha = file.Contains(alphaName);
        if (hasAlpha && file[alphaName].Count != 1) throw Wrong($"'{alphaName}': expected one number, got {file[alphaName].Count}");
        double alpha = hasAlpha ? Floats(file, alphaName)[0] : rank;
        return new Update(rank, (int)(down.Count / rank), (int)up.Shape[0], Floats(file, down.Name), Floats(file, up.Name), alpha / rank, hasAlpha ? 3 : 2);
    }

    private static float[] Floats(SafetensorsFile file, string name)
    {
        float[] values = new float[file[name].Count];
        file.ReadFloats(name, values);
        return values;
    }

    private CratonException Wrong(string what) => new($"'{_path}': {what}");

    private sealed record Update(int Rank, int Inputs, int Outputs, float[] Down, float[] Up, double Scale, int Tensors);
}
