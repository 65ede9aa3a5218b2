namespace Craton.Tensors;

/// <summary>How the pixels of a resized image are made.</summary>
public enum Interpolation
{
    /// <summary>Copies of single pixels.</summary>
    Nearest,
    /// <summary>Of the four around, by distance.</summary>
    Bilinear,
    /// <summary>Of the sixteen around: cubic convolution with a = −¾.</summary>
    Bicubic,
}

public static partial class Ops
{
    /// <summary>Images of another size, without smoothing before they are made smaller: x [N, C, H, W] → [N, C, size].</summary>
    /// <param name="x">The images.</param>
    /// <param name="size">Rows and columns of the result.</param>
    /// <param name="mode">How pixels are made.</param>
    /// <param name="alignCorners">The centres of the corner pixels stay where they are, rather than the corners of the image. Nothing to
    /// <see cref="Interpolation.Nearest"/>.</param>
    public static Tensor Interpolate(Tensor x, Size2 size, Interpolation mode = Interpolation.Nearest, bool alignCorners = false)
    {
        CheckResized("interpolate", x, size);
        ResamplingKind kind = mode switch
        {
            Interpolation.Nearest => ResamplingKind.Nearest,
            Interpolation.Bilinear => ResamplingKind.Linear,
            _ => ResamplingKind.Cubic,
        };
        return Resample(
            "interpolate", x, new(kind, x.Size(2), size.Height) { AlignCorners = alignCorners }, new(kind, x.Size(3), size.Width) { AlignCorners = alignCorners });
    }

    private static void CheckResized(string name, Tensor x, Size2 size)
    {
        Check.Rank(name, "x", x, 4, 4);
        CheckSize(name, "size", size, 1);
        Check.That(x.Size(2) > 0 && x.Size(3) > 0, name, "x", "images of at least one pixel", $"{x.Layout}");
    }

    private static Tensor Resample(string name, Tensor x, in Resampling rows, in Resampling columns)
    {
        Check.Float(name, "x", x);
        x = Contiguous(x);
        Tensor y = Tensor.Empty(x.DType, x.Size(0), x.Size(1), rows.Places, columns.Places);
        Kernel.For(y).Resample(x, y, rows, columns);
        if (Tape.Records(x))
        {
            var op = ResampleOp.Rent();
            (op.Function, op.X, op.Rows, op.Columns) = (name, x, rows, columns);
            Tape.Record(op, y);
        }
        return y;
    }

    private sealed class ResampleOp : Op<ResampleOp>
    {
        public string Function = "";
        public Tensor X = null!;
        public Resampling Rows, Columns;

        public override string Name => Function;

        public override void Backward(Tensor dy)
        {
            (Tensor dx, bool add) = Tape.GradFor(X);
            Kernel.For(dy).ResampleGradient(dy, dx, Rows, Columns, add);
        }
    }

    /// <summary>Channels become pixels: x [N, C · f², H, W] → [N, C, H · f, W · f], the f² channels of one in rows of f. W. Shi et al.,
    /// "Real-Time Single Image and Video Super-Resolution", 2016.</summary>
    public static Tensor PixelShuffle(Tensor x, int factor)
    {
        Check.Rank("pixel_shuffle", "x", x, 4, 4);
        Check.That(factor > 0 && x.Size(1) % Math.Max(1, factor * factor) == 0, "pixel_shuffle", "factor", $"one whose square divides {x.Size(1)} channels", $"{factor}");
        (int n, int c, int h, int w) = (x.Size(0), x.Size(1) / (factor * factor), x.Size(2), x.Size(3));
        return Reshape(Permute(Reshape(x, n, c, factor, factor, h, w), 0, 1, 4, 2, 5, 3), n, c, h * factor, w * factor);
    }

    /// <summary>Pixels become channels: x [N, C, H · f, W · f] → [N, C · f², H, W], the inverse of <see cref="PixelShuffle"/>.</summary>
    public static Tensor PixelUnshuffle(Tensor x, int factor)
    {
        Check.Rank("pixel_unshuffle", "x", x, 4, 4);
        Check.That(
            factor > 0 && x.Size(2) % Math.Max(1, factor) == 0 && x.Size(3) % Math.Max(1, factor) == 0,
            "pixel_unshuffle", "factor", $"one that divides {x.Size(2)} and {x.Size(3)}", $"{factor}");
        (int n, int c, int h, int w) = (x.Size(0), x.Size(1), x.Size(2) / factor, x.Size(3) / factor);
        return Reshape(Permute(Reshape(x, n, c, h, factor, w, factor), 0, 1, 3, 5, 2, 4), n, c * factor * factor, h, w);
    }
}
