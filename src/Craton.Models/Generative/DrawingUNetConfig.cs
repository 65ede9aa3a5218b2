using System.Text.Json.Nodes;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>The shape of a <see cref="DrawingUNet"/>.</summary>
public sealed record DrawingUNetConfig
{
    private const int Most = 1 << 16, MostLevels = 8, MostBlocks = 16;

    /// <summary>Channels of the pictures: 1 grey, 3 red, green and blue.</summary>
    public int Channels { get; init; } = 1;

    /// <summary>Pixels along one side of a patch, which the network sees as one.</summary>
    public int Patch { get; init; } = 2;

    /// <summary>Channels of every level, the finest first; each level but the first has half the rows and columns of the one before.</summary>
    public IReadOnlyList<int> Widths { get; init; } = [48, 96];

    /// <summary>Residual blocks of a level, on the way down and again on the way up.</summary>
    public int Blocks { get; init; } = 1;

    /// <summary>How many levels have attention among pixels, counted from the coarsest; the middle has it always. All have it to tokens.</summary>
    public int AttentionLevels { get; init; } = 1;

    /// <summary>Width of a head of attention.</summary>
    public int HeadWidth { get; init; } = 32;

    /// <summary>Groups of the normalisations.</summary>
    public int Groups { get; init; } = 8;

    /// <summary>Width of the vector that says what is drawn; 0 for none.</summary>
    public int Condition { get; init; }

    /// <summary>Width of the tokens that attention looks at; 0 for none.</summary>
    public int Context { get; init; }

    /// <summary>Whether the network is told where in the picture a patch lies, as two more numbers of −1 to 1.</summary>
    public bool Coordinates { get; init; }

    /// <summary>What both sides of a picture must be a multiple of.</summary>
    public int Multiple => Patch << (Widths.Count - 1);

    /// <summary>Reads the shape from an object of a <c>config.json</c>.</summary>
    /// <exception cref="CratonException">A value is missing, out of range, or does not fit the others.</exception>
    public static DrawingUNetConfig Read(ConfigReader read) => new DrawingUNetConfig
    {
        Channels = read.Int("channels"),
        Patch = read.Int("patch"),
        Widths = read.Ints("widths") ?? [],
        Blocks = read.Int("blocks"),
        AttentionLevels = read.Int("attention_levels"),
        HeadWidth = read.Int("head_width"),
        Groups = read.Int("groups"),
        Condition = read.Int("condition"),
        Context = read.Int("context"),
        Coordinates = read.Flag("coordinates"),
    }.Checked(read.File);

    /// <summary>The object that <see cref="Read"/> reads.</summary>
    public JsonObject ToJson() => new()
    {
        ["channels"] = Channels,
        ["patch"] = Patch,
        ["widths"] = new JsonArray([.. Widths.Select(width => (JsonNode)width)]),
        ["blocks"] = Blocks,
        ["attention_levels"] = AttentionLevels,
        ["head_width"] = HeadWidth,
        ["groups"] = Groups,
        ["condition"] = Condition,
        ["context"] = Context,
        ["coordinates"] = Coordinates,
    };

    /// <summary>This shape, if there can be such a network.</summary>
    /// <param name="place">What gave it, for the error.</param>
    /// <exception cref="CratonException">A value is out of range or does not fit the others.</exception>
    public DrawingUNetConfig Checked(string place)
    {
        if (Widths.Count is < 1 or > MostLevels) throw Wrong("widths", $"1 to {MostLevels} numbers", $"{Widths.Count}");
        Within("channels", Channels, 1, 64);
        Within("patch", Patch, 1, 64);
        Within("blocks", Blocks, 1, MostBlocks);
        Within("attention_levels", AttentionLevels, 0, Widths.Count);
        Within("groups", Groups, 1, Most);
        Within("head_width", HeadWidth, 1, Most);
        Within("condition", Condition, 0, Most);
        Within("context", Context, 0, Most);
        foreach (int width in Widths)
            if (width is < 1 or > Most || width % Groups != 0) throw Wrong("widths", $"multiples of the {Groups} groups up to {Most}", $"{width}");
        foreach (int width in Context > 0 ? Widths : Widths.TakeLast(Math.Max(AttentionLevels, 1)))
            if (width % HeadWidth != 0) throw Wrong("head_width", $"a divisor of the {width} channels where there is attention", $"{HeadWidth}");
        if (Widths[0] % 2 != 0 || Widths[0] < 4) throw Wrong("widths", "an even first width of 4 or more", $"{Widths[0]}");
        return this;

        void Within(string name, int value, int least, int most)
        {
            if (value < least || value > most) throw Wrong(name, $"{least} to {most}", $"{value}");
        }

        CratonException Wrong(string name, string expected, string got) => new($"{place}: {name}: expected {expected}, got {got}");
    }
}
