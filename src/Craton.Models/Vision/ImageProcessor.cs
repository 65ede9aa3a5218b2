using System.Text.Json;
using Craton.Data.Images;
using Craton.Models.Encoders;
using Craton.Tensors;

namespace Craton.Models.Vision;

/// <summary>
/// Makes of pictures what a model reads, as its <c>preprocessor_config.json</c> says: red, green and blue on white, resized, cropped, rescaled
/// and normalised.
/// </summary>
public sealed class ImageProcessor
{
    private const string FileName = "preprocessor_config.json";
    private const int MostSide = 1 << 12;

    private static readonly double[] Half = [0.5, 0.5, 0.5], ImageNetMean = [0.485, 0.456, 0.406], ImageNetDeviation = [0.229, 0.224, 0.225],
        ClipMean = [0.48145466, 0.4578275, 0.40821073], ClipDeviation = [0.26862954, 0.26130258, 0.27577711];

    // What each kind does where its file says nothing.
    private static readonly ImageSteps[] Kinds =
    [
        new("CLIP", PictureFilter.Bicubic, Crops: true, ClipMean, ClipDeviation),
        new("Llava", PictureFilter.Bicubic, Crops: true, ClipMean, ClipDeviation),
        new("Bit", PictureFilter.Bicubic, Crops: true, ClipMean, ClipDeviation),
        new("DeiT", PictureFilter.Bicubic, Crops: true, ImageNetMean, ImageNetDeviation),
        new("Siglip", PictureFilter.Bicubic, Crops: false, Half, Half),
        new("Blip", PictureFilter.Bicubic, Crops: false, ClipMean, ClipDeviation),
        new("ViT", PictureFilter.Bilinear, Crops: false, Half, Half),
        new("ConvNext", PictureFilter.Bilinear, Crops: false, ImageNetMean, ImageNetDeviation),
    ];

    private readonly int _shortEdge; // 0: the picture gets the size, else its shorter edge does
    private readonly (int Height, int Width) _size;
    private readonly (int Height, int Width)? _crop;
    private readonly PictureFilter _filter;
    private readonly bool _resizes, _padsToSquare;
    private readonly double _factor;
    private readonly float[] _mean, _deviation;

    /// <summary>Takes over what a file says.</summary>
    internal ImageProcessor(ConfigReader read)
    {
        ImageSteps kind = KindOf(read);
        _resizes = read.Flag("do_resize", true);
        _padsToSquare = kind.Name == "Llava" && read.Flag("do_pad");
        read.Refuse(kind.Name != "Llava" && read.Flag("do_pad"), "do_pad", "pictures are not padded here");
        int filter = read.IntOr((int)kind.Filter, "resample");
        if (!Enum.IsDefined((PictureFilter)filter)) throw new CratonException($"{read.File}: resample is {filter}, expected 0 to 5");
        _filter = (PictureFilter)filter;
        if (_resizes) (_shortEdge, _size) = SizeOf(read, "size", squares: kind.Name is not ("CLIP" or "Llava" or "Bit" or "ConvNext"));
        if (read.Flag("do_center_crop", kind.Crops)) _crop = SizeOf(read, "crop_size", squares: true).Size;
        if (_resizes && kind.Name == "ConvNext") (_shortEdge, _size, _crop) = ConvNextSizes(read, _shortEdge);
        _factor = read.Flag("do_rescale", true) ? read.Number("rescale_factor", 1 / 255.0) : 1;
        bool normalises = read.Flag("do_normalize", true);
        _mean = normalises ? ThreeOf(read, "image_mean", kind.Mean) : [0, 0, 0];
        _deviation = normalises ? ThreeOf(read, "image_std", kind.Deviation) : [1, 1, 1];
        if (_deviation.Contains(0)) throw new CratonException($"{read.File}: image_std: expected positive numbers, got 0");
    }

    /// <summary>Whether a directory says how pictures are prepared.</summary>
    public static bool IsIn(string directory) => File.Exists(Path.Combine(directory, FileName));

    /// <summary>Reads the steps of a model's directory.</summary>
    /// <exception cref="CratonException">The file is missing or damaged, or of a kind that is not known.</exception>
    public static ImageProcessor Load(string directory)
    {
        string file = Path.Combine(directory, FileName);
        if (!File.Exists(file)) throw new CratonException($"'{directory}' does not say how pictures are prepared: it has no {FileName}; give the folder that holds the model's files");
        return new ImageProcessor(new ConfigReader(file, JsonFile.Read(file)));
    }

    /// <summary>Prepares a picture file.</summary>
    /// <returns>[3, rows, columns].</returns>
    /// <exception cref="PictureException">The file is no picture, damaged, or too large (<see cref="PictureFile"/>).</exception>
    public Tensor ReadFile(string path) => Prepare(PictureFile.Read(path));

    /// <summary>Prepares a picture.</summary>
    /// <returns>[3, rows, columns].</returns>
    public Tensor Prepare(Picture picture)
    {
        Picture rgb = picture.OnWhite();
        if (_padsToSquare) rgb = Squared(rgb);
        if (_resizes) rgb = Resized(rgb);
        (int height, int width) = _crop ?? (rgb.Height, rgb.Width);
        // A crop beyond the picture is black there.
        int top = FloorHalf(rgb.Height - height), left = FloorHalf(rgb.Width - width);
        Tensor result = Tensor.Empty(DType.F32, 3, height, width);
        Span<float> values = result.AsSpan<float>();
        for (int c = 0, at = 0; c < 3; c++)
            for (int y = 0; y < height; y++)
                for (int x = 0; x < width; x++)
                {
                    (int row, int column) = (y + top, x + left);
                    bool inside = (uint)row < (uint)rgb.Height && (uint)column < (uint)rgb.Width;
                    float sample = inside ? (float)(rgb.Samples[(row * rgb.Width + column) * 3 + c] * _factor) : 0;
                    values[at++] = (sample - _mean[c]) / _deviation[c];
                }
        return result;
    }

    private static int FloorHalf(int value) => value >> 1;

    private Picture Resized(Picture picture)
    {
        (int height, int width) = _size;
        if (_shortEdge > 0)
        {
            bool wide = picture.Width > picture.Height;
            int shorter = Math.Min(picture.Width, picture.Height), longer = Math.Max(picture.Width, picture.Height);
            int length = (int)Math.Min(int.MaxValue, (long)_shortEdge * longer / shorter); // too long a one is refused below
            (height, width) = wide ? (_shortEdge, length) : (length, _shortEdge);
        }
        return PictureResizer.Resize(picture, width, height, _filter);
    }

    // The picture in the middle of a square of the mean colour.
    private Picture Squared(Picture picture)
    {
        int side = Math.Max(picture.Width, picture.Height);
        if (picture.Width == picture.Height) return picture;
        if ((long)side * side > Picture.MostPixels)
            throw new CratonException($"[picture] padding to a square: expected at most {Picture.MostPixels} pixels, got {side}×{side}; crop the picture");
        byte[] samples = new byte[side * side * 3];
        for (int i = 0; i < samples.Length; i++) samples[i] = (byte)(_mean[i % 3] * 255);
        int top = (side - picture.Height) / 2, left = (side - picture.Width) / 2;
        for (int y = 0; y < picture.Height; y++)
            picture.Samples.AsSpan(y * picture.Width * 3, picture.Width * 3).CopyTo(samples.AsSpan(((y + top) * side + left) * 3));
        return new Picture(side, side, 3, samples);
    }

    private static ImageSteps KindOf(ConfigReader read)
    {
        string name = read.TextOr("", "image_processor_type", "feature_extractor_type");
        return Array.Find(Kinds, kind => name == kind.Name + "ImageProcessor" || name == kind.Name + "ImageProcessorFast" || name == kind.Name + "FeatureExtractor")
            ?? throw new CratonException($"{read.File}: image_processor_type is '{name}', expected one of {string.Join(", ", Kinds.Select(kind => kind.Name + "ImageProcessor"))}");
    }

    // Both edges; or one number, which means a square or the shorter edge.
    private static (int ShortEdge, (int Height, int Width) Size) SizeOf(ConfigReader read, string name, bool squares)
    {
        if (read.IsObject(name))
        {
            ConfigReader size = read.Object(name)!;
            if (size.Has("shortest_edge"))
            {
                read.Refuse(size.Has("longest_edge"), $"{name}.longest_edge", "only the shorter edge is fitted");
                return (Side(size, "shortest_edge"), default);
            }
            return (0, (Side(size, "height"), Side(size, "width")));
        }
        int side = read.IntOr(224, name);
        EncoderConfig.Within(read.File, side, name, MostSide);
        return squares ? (0, (side, side)) : (side, default);
    }

    // Small ones are cut out of a somewhat larger picture.
    private static (int ShortEdge, (int Height, int Width) Size, (int Height, int Width)? Crop) ConvNextSizes(ConfigReader read, int edge)
    {
        if (edge == 0) throw new CratonException($"{read.File}: size: expected shortest_edge, which this kind of processor reads");
        if (edge >= 384) return (0, (edge, edge), null);
        int larger = (int)(edge / read.Number("crop_pct", 224.0 / 256));
        EncoderConfig.Within(read.File, larger, "size divided by crop_pct", MostSide);
        return (larger, default, (edge, edge));
    }

    private static int Side(ConfigReader size, string name)
    {
        int side = size.Int(name);
        EncoderConfig.Within(size.File, side, name, MostSide);
        return side;
    }

    private static float[] ThreeOf(ConfigReader read, string name, double[] otherwise)
    {
        float[] values = read.List(name, (_, e) => e.ValueKind == JsonValueKind.Number ? e.GetSingle() : float.NaN) ?? Array.ConvertAll(otherwise, value => (float)value);
        return values.Length == 3 && values.All(value => value is >= 0 and < 256) ? values
            : throw new CratonException($"{read.File}: {name}: expected three numbers from 0 to below 256");
    }
}

/// <summary>What a kind of processor does where its file says nothing.</summary>
internal sealed record ImageSteps(string Name, PictureFilter Filter, bool Crops, double[] Mean, double[] Deviation);
