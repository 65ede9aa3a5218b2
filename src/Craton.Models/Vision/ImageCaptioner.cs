using Craton.Models.Seq2Seq;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Vision;

/// <summary>A model that writes what it sees in an image.</summary>
public abstract class ImageCaptioner : VisionModel
{
    /// <summary>Writes the text.</summary>
    public abstract TargetDecoder Decoder { get; }

    /// <summary>Looks at images: what captions are made from.</summary>
    /// <param name="pixels">Prepared images [N, channels, H, W].</param>
    public abstract SourceMemory Look(Tensor pixels);
}
