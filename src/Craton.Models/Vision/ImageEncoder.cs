using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Vision;

/// <summary>Sizes of an encoder of images, which are cut into square patches.</summary>
public record ImageEncoderConfig : TowerConfig
{
    /// <summary>Takes over what a <c>config.json</c> says.</summary>
    /// <inheritdoc cref="TowerConfig(ConfigReader, int, double, string, int?)"/>
    /// <param name="read">The configuration.</param>
    /// <param name="patch">Size of a patch where none is given.</param>
    /// <param name="eps">Added to the variance in norms, where nothing is given.</param>
    /// <param name="activation">The activation where none is given.</param>
    /// <param name="size">Size of an image where none is given.</param>
    public ImageEncoderConfig(ConfigReader read, int patch, double eps, string activation, int size = 224) : base(read, 768, eps, activation)
    {
        ImageSize = read.IntOr(size, "image_size");
        PatchSize = read.IntOr(patch, "patch_size");
        Channels = read.IntOr(3, "num_channels");
        EncoderConfig.Within(read.File, ImageSize, "image_size", 1 << 13);
        EncoderConfig.Within(read.File, PatchSize, "patch_size", ImageSize);
        EncoderConfig.Within(read.File, Channels, "num_channels", 1 << 10);
    }

    /// <summary>Rows and columns of the images it was trained with.</summary>
    public int ImageSize { get; }

    /// <summary>Rows and columns of a patch.</summary>
    public int PatchSize { get; }

    /// <summary>Channels of an image.</summary>
    public int Channels { get; }

    /// <summary>Rows and columns of patches.</summary>
    public int Grid => ImageSize / PatchSize;
}

/// <summary>A Transformer that reads images as rows of patches. A family declares embedding and layers under the checkpoint's names.</summary>
public abstract class ImageEncoder(ImageEncoderConfig config) : ImageBackbone
{
    /// <summary>Its sizes.</summary>
    public ImageEncoderConfig Config { get; } = config;

    /// <summary>The first vector of each image, [N, C]; some families add to it.</summary>
    protected internal override Tensor Features(Tensor hidden) => Ops.Select(hidden, 1, 0);

    /// <inheritdoc/>
    protected internal override int FeatureWidth => Config.Width;

    /// <summary>A convolution that turns each patch into a vector.</summary>
    protected static Conv2d PatchProjection(ImageEncoderConfig config, bool bias = true) =>
        new(config.Channels, config.Width, config.PatchSize, new ConvolutionOptions { Stride = config.PatchSize }, bias);

    /// <summary>
    /// The input of the first layer: leading vectors and the patches row by row, with their positions.
    /// </summary>
    /// <param name="pixels">Images [N, channels, H, W].</param>
    /// <param name="projection">Turns patches into vectors.</param>
    /// <param name="leading">Vectors before those of the patches, each of C values.</param>
    /// <param name="positions">Table of positions, leading ones first: C values for each place.</param>
    /// <param name="interpolate">Whether images may have another size.</param>
    /// <returns>[N, T, C].</returns>
    protected Tensor Embed(Tensor pixels, Conv2d projection, ReadOnlySpan<Tensor> leading, Tensor positions, bool interpolate)
    {
        CheckPixels(pixels, interpolate);
        int n = pixels.Size(0), width = Config.Width;
        Tensor patches = projection.Forward(pixels);
        (int rows, int columns) = (patches.Size(2), patches.Size(3));
        Tensor x = Ops.Contiguous(Ops.Reshape(patches, n, width, rows * columns).Transpose());
        if (leading.Length > 0)
        {
            var parts = new Tensor[leading.Length + 1];
            for (int i = 0; i < leading.Length; i++) parts[i] = Ops.Expand(leading[i].View(1, 1, width), n, 1, width);
            parts[^1] = x;
            x = Ops.Concat(1, parts);
        }
        return x + PositionsFor(positions.View(1, -1, width), leading.Length, rows, columns);
    }

    private void CheckPixels(Tensor pixels, bool interpolate)
    {
        int size = Config.ImageSize, patch = Config.PatchSize;
        bool fits = pixels.Rank == 4 && pixels.DType == DType.F32 && pixels.Size(1) == Config.Channels
            && (interpolate ? pixels.Size(2) >= patch && pixels.Size(3) >= patch : pixels.Size(2) == size && pixels.Size(3) == size);
        if (fits) return;
        string expected = interpolate ? $"of {patch} or more rows and columns" : $"of {size}×{size} pixels";
        throw new CratonException($"images: expected floats [N, {Config.Channels}, rows, columns] {expected}, got {pixels.Layout}; prepare them with the model's image processor");
    }

    // Patch positions of another grid are made by bicubic interpolation; those of leading vectors stay.
    private Tensor PositionsFor(Tensor table, int leading, int rows, int columns)
    {
        int grid = Config.Grid, width = Config.Width;
        if (rows == grid && columns == grid) return table;
        Tensor image = Ops.Contiguous(table.Slice(1, leading).View(1, grid, grid, width).Permute(0, 3, 1, 2));
        Tensor resized = Ops.Interpolate(image, new Size2(rows, columns), Interpolation.Bicubic);
        Tensor patches = Ops.Reshape(resized.Permute(0, 2, 3, 1), 1, rows * columns, width);
        return leading == 0 ? patches : Ops.Concat(1, table.Slice(1, 0, leading), patches);
    }
}
