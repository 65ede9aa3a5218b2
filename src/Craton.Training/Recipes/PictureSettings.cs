using System.Globalization;
using System.Text.Json.Nodes;
using Craton.Data;
using Craton.Data.Images;
using Craton.Training.Configuration;

namespace Craton.Training.Recipes;

// The parts of recipes for models that read pictures.

/// <summary>Kinds of encoder of pictures.</summary>
public enum PictureEncoderKind
{
    /// <summary>Convolutions with norms over the batch.</summary>
    Conv,
    /// <summary>A Vision Transformer.</summary>
    Vit,
}

/// <summary>The encoder of pictures.</summary>
public sealed record PictureEncoderSettings : RecipePart
{
    /// <summary>Which one; what follows is for one of them.</summary>
    public PictureEncoderKind Kind { get; init; } = PictureEncoderKind.Conv;

    /// <summary>Channels of each stage of convolutions.</summary>
    public IReadOnlyList<int> Widths { get; init; } = [32, 64, 128];

    /// <summary>Convolutions of a stage.</summary>
    [Range(1, 16)]
    public int Depth { get; init; } = 1;

    /// <summary>1: the first stage does not halve the picture, as the others do.</summary>
    [Range(1, 2)]
    public int FirstStride { get; init; } = 2;

    /// <summary>Rows and columns of a patch of the Transformer.</summary>
    [Range(1, 256)]
    public int Patch { get; init; } = 4;

    /// <summary>Width of the Transformer.</summary>
    [Range(2, 4096)]
    public int Width { get; init; } = 128;

    /// <summary>Its layers.</summary>
    [Range(1, 64)]
    public int Layers { get; init; } = 4;

    /// <summary>Its heads.</summary>
    [Range(1, 64)]
    public int Heads { get; init; } = 4;

    /// <inheritdoc/>
    public override IEnumerable<string> Check()
    {
        if (Widths.Count == 0 || Widths.Any(width => width is < 1 or > 4096)) yield return "widths: expected one or more numbers from 1 to 4096";
        if (Width % Heads != 0) yield return $"width: expected a multiple of heads ({Heads}), got {Width}";
    }

    internal JsonObject ToConfig(int side) => Kind == PictureEncoderKind.Conv
        ? new()
        {
            ["kind"] = "conv",
            ["image_size"] = side,
            ["widths"] = new JsonArray([.. Widths.Select(width => (JsonNode)width)]),
            ["depth"] = Depth,
            ["first_stride"] = FirstStride,
        }
        : new()
        {
            ["kind"] = "vit",
            ["image_size"] = side,
            ["patch_size"] = Patch,
            ["hidden_size"] = Width,
            ["num_hidden_layers"] = Layers,
            ["num_attention_heads"] = Heads,
            ["intermediate_size"] = 4 * Width,
        };
}

/// <summary>How pictures are changed before the model learns from them; all zero for not at all.</summary>
public sealed record AugmentationSettings : RecipePart
{
    /// <summary>Pixels that they are moved by at most.</summary>
    [Range(0, 64)]
    public double Shift { get; init; }

    /// <summary>Whether half of them are mirrored.</summary>
    public bool Flip { get; init; }

    /// <summary>Share by which they are enlarged or reduced at most.</summary>
    [Range(0, 0.9)]
    public double Zoom { get; init; }

    /// <summary>Slope by which level lines are turned at most.</summary>
    [Range(0, 1)]
    public double Turn { get; init; }

    /// <summary>Share by which each colour is made stronger or weaker at most.</summary>
    [Range(0, 1)]
    public double Colour { get; init; }

    internal PictureAugmentation? ToAugmentation() => this == new AugmentationSettings() ? null : new(Shift, Flip, Zoom, Turn, Colour);
}

/// <summary>Pictures with captions: JSON lines, each naming a picture file or a cell of a sheet. Paths may be <c>set:NAME/FILE</c> of the data catalogue.</summary>
public sealed record CaptionDataSettings : RecipePart
{
    private const string Scenes = "scenes:", Clips = "clips:";
    private const int MostScenes = 1_000_000;

    /// <summary>The JSON lines; <c>.gz</c> is unpacked. Or <c>scenes:20000</c> for as many generated scenes, <c>clips:8000</c> for clips, drawn when they are needed.</summary>
    public required string Captions { get; init; }

    /// <summary>A picture file of equal cells that holds all pictures; without it every line names a file.</summary>
    public string? Sheet { get; init; }

    /// <summary>Pixels of a side of a picture in the sheet.</summary>
    [Range(1, 4096)]
    public int Cell { get; init; } = 32;

    /// <summary>Pixels around every picture in the sheet.</summary>
    [Range(0, 4096)]
    public int Margin { get; init; }

    /// <summary>Field of the column of a line's cell, counted from 0.</summary>
    public string ColumnField { get; init; } = "sheet_x";

    /// <summary>Field of its row.</summary>
    public string RowField { get; init; } = "sheet_y";

    /// <summary>Field of a line's picture file, relative to the folder of the lines.</summary>
    public string FileField { get; init; } = "file";

    /// <summary>Field that tells pictures apart, by whose hash they are held out; the picture file without it.</summary>
    public string? KeyField { get; init; }

    /// <summary>Fields of captions; the first, by which the model is measured, must be in every line.</summary>
    public IReadOnlyList<string> CaptionFields { get; init; } = ["caption"];

    /// <summary>Fields of words that also belong to a picture, and are learnt beside captions: texts, or lists of texts.</summary>
    public IReadOnlyList<string> TagFields { get; init; } = [];

    /// <summary>Rows and columns that pictures are resized to; without it all must have the size of the first.</summary>
    [Range(1, 4096)]
    public int? Side { get; init; }

    /// <summary>Share of pictures that the model is measured by, which it does not learn from.</summary>
    [Range(0.001, 0.9)]
    public double TestFraction { get; init; } = 0.1;

    /// <summary>The pictures to learn from and those to measure by.</summary>
    /// <param name="frames">Pictures of a clip; 1 for single pictures.</param>
    internal (CaptionedPictures Train, CaptionedPictures Test) Read(int frames = 1)
    {
        if (CaptionFields.Count == 0) throw new Tensors.CratonException("data.caption_fields: expected one or more fields, got none; give for example [caption]");
        CaptionedPictures all = Drawn(Scenes) is { } scenes ? CaptionedPictures.OfScenes(scenes)
            : Drawn(Clips) is { } clips ? CaptionedPictures.OfClips(clips, frames)
            : CaptionedPictures.Read(Source(frames));
        if (all.Frames != frames) throw new Tensors.CratonException($"data.captions: expected clips of {frames} pictures (frames), got pictures; give for example {Clips}8000");
        if (all.Images.Width != all.Images.Height) throw new Tensors.CratonException($"data.captions: expected square pictures, got {all.Images.Width}×{all.Images.Height}; give data.side to resize them to");
        var splitter = new Splitter(valid: 0, test: TestFraction);
        return (all.Part(splitter, Split.Train), all.Part(splitter, Split.Test));
    }

    private CaptionSource Source(int frames) => new()
    {
        Captions = SourceReader.Resolve(Captions),
        Sheet = Sheet is null ? null : SourceReader.Resolve(Sheet),
        Cell = Cell,
        Margin = Margin,
        CellFields = (ColumnField, RowField),
        FileField = FileField,
        KeyField = KeyField,
        CaptionFields = CaptionFields,
        TagFields = TagFields,
        Side = Side,
        Frames = frames,
    };

    // How many generated ones are asked for; null where the captions are a file.
    private int? Drawn(string kind)
    {
        if (!Captions.StartsWith(kind, StringComparison.Ordinal)) return null;
        return int.TryParse(Captions[kind.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count is >= 1 and <= MostScenes
            ? count
            : throw new Tensors.CratonException($"data.captions: expected {kind} with a number from 1 to {MostScenes:N0}, got '{Captions}'");
    }
}

/// <summary>What all recipes of models that read pictures have.</summary>
public abstract record PictureRecipe : RecipePart
{
    /// <summary>Names the run's folder.</summary>
    public string Name { get; init; } = "pictures";

    /// <summary>Seed of weights, order of data and what is drawn.</summary>
    [NonNegative]
    public long Seed { get; init; } = 1;

    /// <summary>The encoder of pictures.</summary>
    public PictureEncoderSettings Image { get; init; } = new();

    /// <summary>How pictures are changed before the model learns from them.</summary>
    public AugmentationSettings Augmentation { get; init; } = new();

    /// <summary>Share of the values that are dropped before the last layers while learning.</summary>
    [Range(0, 0.9)]
    public double Dropout { get; init; }

    /// <summary>The optimizer.</summary>
    public OptimizerSettings Optimizer { get; init; } = new() { LearningRate = 1e-3, Beta2 = 0.999 };

    /// <summary>The learning rate.</summary>
    public ScheduleSettings Schedule { get; init; } = new() { MinRatio = 0 };

    /// <summary>The loop.</summary>
    public ImageLoopSettings Train { get; init; } = new();
}
