namespace Craton.Tensors.Kernels;

/// <summary>
/// The places of a convolution of 3×3 taps cut into tiles of 2×2, counted over all images row by row; tiles at the ends of odd rows and
/// columns stick out. A tile reads 4×4 values of the source.
/// </summary>
/// <remarks>
/// The minimal filtering F(2×2, 3×3) of Winograd, after A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks" (2016):
/// with the 4×4 values d of a channel and the taps g of a filter, the results of a tile are
/// <code>
/// Y = Aᵀ [Σ over channels of (G g Gᵀ) ⊙ (Bᵀ d B)] A
///      | 1  0 −1  0 |       | 1  0  0 |       | 1  1  1  0 |
/// Bᵀ = | 0  1  1  0 |   G = | ½  ½  ½ |  Aᵀ = | 0  1 −1 −1 |
///      | 0 −1  1  0 |       | ½ −½  ½ |
///      | 0  1  0 −1 |       | 0  0  1 |
/// </code>
/// which are 16 products for 4 results where the definition has 36. The gradient of g is Gᵀ [Σ over tiles of (A dY Aᵀ) ⊙ (Bᵀ d B)] G.
/// Every one of the 16 sums is one chain of fused multiply-adds. All but Aᵀ and Gᵀ transform along rows first, these down columns first.
/// </remarks>
internal readonly record struct TileGrid(int Images, int Rows, int Columns)
{
    /// <summary>Values that a tile reads, and products that it is made of.</summary>
    public const int Products = 16;

    // Fewer channels or filters do not pay for the transforms; of more, only an image of many tiles pays for those of the filters. Tiles lie
    // across the lanes: those of an image alone fill a panel.
    private const int LeastChannels = 32, LeastTiles = 16, FiltersPerTile = 1 << 14;

    public int PerImage => Rows * Columns;

    public int Count => checked(Images * PerImage);

    /// <summary>Whether a convolution and its gradients are computed by tiles: only sizes of one image decide, so an image of a batch has
    /// the same results alone.</summary>
    public static bool Suits(in ConvolutionShape shape)
    {
        int tiles = Of(shape).PerImage;
        return IsThreeTaps(shape.Rows) && IsThreeTaps(shape.Columns) && shape.Groups == 1
            && Math.Min(shape.Channels, shape.Filters) >= LeastChannels && tiles >= LeastTiles
            && (long)shape.Channels * shape.Filters <= (long)FiltersPerTile * tiles;
    }

    public static TileGrid Of(in ConvolutionShape shape) => new(shape.Images, (shape.Rows.Places + 1) / 2, (shape.Columns.Places + 1) / 2);

    public (int Image, int Row, int Column) Locate(int tile)
    {
        (int image, int place) = Math.DivRem(tile, PerImage);
        (int row, int column) = Math.DivRem(place, Columns);
        return (image, row, column);
    }

    private static bool IsThreeTaps(ConvolutionAxis axis) => axis is { Taps: 3, Stride: 1, Dilation: 1 };
}
