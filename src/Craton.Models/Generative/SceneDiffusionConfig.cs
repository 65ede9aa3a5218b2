using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>The shape of a <see cref="SceneDiffusion"/>.</summary>
public sealed record SceneDiffusionConfig
{
    private const int MostWidth = 1 << 14, MostLayers = 64;

    /// <summary>Width of the vectors of phrases.</summary>
    public int TextWidth { get; init; } = 128;

    /// <summary>Layers over each phrase.</summary>
    public int TextLayers { get; init; } = 2;

    /// <summary>The network; its channels, context and coordinates follow from this shape.</summary>
    public DrawingUNetConfig Network { get; init; } = new();

    /// <summary>This shape with a network that fits, if there can be such a model.</summary>
    /// <param name="place">What gave it, for the error.</param>
    /// <param name="latents">What it draws in; null for pixels.</param>
    /// <exception cref="CratonException">A value is out of range or does not fit the others.</exception>
    public SceneDiffusionConfig Checked(string place, SpatialVaeConfig? latents = null)
    {
        if (TextWidth is < 1 or > MostWidth) throw new CratonException($"{place}: text_width: expected 1 to {MostWidth}, got {TextWidth}");
        if (TextLayers is < 0 or > MostLayers) throw new CratonException($"{place}: text_layers: expected 0 to {MostLayers}, got {TextLayers}");
        DrawingUNetConfig network = (Network with { Channels = latents?.Latent ?? 3, Context = TextWidth, Coordinates = true }).Checked(place);
        int side = Data.Images.Scenes.Scene.Side / (latents is null ? 1 : SpatialVae.Patch);
        if (side % network.Multiple != 0)
            throw new CratonException($"{place}: widths: a network of {network.Widths.Count} levels over patches of {network.Patch} needs sides that are multiples of {network.Multiple}, and it draws {side} × {side}");
        return this with { Network = network };
    }
}
