using System.Globalization;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>Any model that draws by labels, out of its directory.</summary>
public static class LabelledDrawing
{
    /// <summary>Whether a directory holds such a model.</summary>
    /// <exception cref="CratonException">Its configuration is damaged.</exception>
    public static bool Holds(string directory) => GenerativeDirectory.TypeOf(directory) is LabelDiffusionDirectory.Type or GanDirectory.Type or VaeDirectory.Type;

    /// <summary>Reads the model of a directory.</summary>
    /// <exception cref="CratonException">There is none, or a file is damaged.</exception>
    public static LabelledGenerator Load(string directory) => GenerativeDirectory.TypeOf(directory) switch
    {
        GanDirectory.Type => GanDirectory.Load(directory),
        VaeDirectory.Type => VaeDirectory.Load(directory),
        _ => LabelDiffusionDirectory.Load(directory),
    };

    /// <summary>The label that a caption names.</summary>
    /// <param name="model">The model.</param>
    /// <param name="caption">A label, as <c>7</c>; null where nothing can be asked for.</param>
    /// <exception cref="CratonException">It names none that the model draws.</exception>
    public static int Label(LabelledGenerator model, string? caption)
    {
        if (model.Shape.Labels == 0)
            return caption is null ? 0 : throw new CratonException($"caption '{caption}': this model was trained without labels and draws out of noise alone; leave the caption out");
        return int.TryParse(caption?.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int label) && label < model.Shape.Labels
            ? label
            : throw new CratonException($"caption '{caption}': expected a whole number from 0 to {model.Shape.Labels - 1}, which is what this model draws");
    }
}
