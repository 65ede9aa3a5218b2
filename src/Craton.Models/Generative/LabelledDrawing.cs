using System.Globalization;
using Craton.Data.Images;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>Pictures on request from any model that draws by labels.</summary>
public static class LabelledDrawing
{
    private const int MostPictures = 10_000, MostColumns = 10, Batch = 100;

    /// <summary>Whether a directory holds such a model.</summary>
    /// <exception cref="CratonException">Its configuration is damaged.</exception>
    public static bool Holds(string directory) => GenerativeDirectory.TypeOf(directory) is LabelDiffusionDirectory.Type or GanDirectory.Type;

    /// <summary>Reads the model of a directory.</summary>
    /// <exception cref="CratonException">There is none, or a file is damaged.</exception>
    public static LabelledGenerator Load(string directory) => GenerativeDirectory.TypeOf(directory) == GanDirectory.Type ? GanDirectory.Load(directory) : LabelDiffusionDirectory.Load(directory);

    /// <summary>Draws what a label asks for: one picture, or several in rows of ten.</summary>
    /// <param name="directory">Directory of a model that the recipes <c>gan</c> or <c>diffusion</c> trained.</param>
    /// <param name="label">A label, as <c>7</c>.</param>
    /// <param name="seed">Seed of the noise: the same seed gives the same pictures.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="CratonException">The directory holds no such model, or the label or the count is out of range.</exception>
    public static Picture Draw(string directory, string label, ulong seed, int count = 1)
    {
        LabelledGenerator model = Load(directory);
        LabelledShape shape = model.Shape;
        if (!int.TryParse(label.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int asked) || asked >= shape.Labels)
            throw new CratonException($"label '{label}': expected a whole number from 0 to {shape.Labels - 1}, which is what this model draws");
        if (count is < 1 or > MostPictures) throw new CratonException($"count {count}: expected 1 to {MostPictures} pictures");
        var pictures = new List<float>();
        for (int first = 0; first < count; first += Batch)
            using (TensorScope.Open("drawing"))
            {
                int[] labels = new int[Math.Min(Batch, count - first)];
                Array.Fill(labels, asked);
                pictures.AddRange(model.Draw(labels, seed, first).AsSpan<float>());
            }
        return PictureGrid.Of([.. pictures], shape.Width, shape.Height, shape.Channels, Math.Min(count, MostColumns));
    }
}
