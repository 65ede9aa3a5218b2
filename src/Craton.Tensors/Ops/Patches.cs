namespace Craton.Tensors;

public static partial class Ops
{
    /// <summary>
    /// What a kernel sees at each of its places: x [N, C, H, W] → [N, C · KH · KW, places], places in rows as
    /// <see cref="Conv2d"/> has them. Its groups mean nothing here.
    /// </summary>
    public static Tensor Unfold(Tensor x, Size2 kernel, ConvolutionOptions? options = null)
    {
        Check.Rank("unfold", "x", x, 4, 4);
        PatchGrid grid = Grid("unfold", x, kernel, (x.Size(2), x.Size(3)), options ?? new());
        ReadOnlySpan<int> padding = [0, 0, grid.Padding.Height, grid.Padding.Width];
        x = grid.Padding == 0 ? Contiguous(x) : Pad(x, 0, padding, padding);
        (int n, int c) = (x.Size(0), x.Size(1));
        Tensor y = Tensor.Empty(x.DType, n, c, kernel.Height, kernel.Width, grid.Places.Height, grid.Places.Width);
        Kernel.For(x).Copy(x, grid.Patches(x.Layout), y, y.Layout);
        if (Tape.Records(x))
        {
            var op = UnfoldOp.Rent();
            (op.X, op.Grid) = (x, grid);
            Tape.Record(op, y);
        }
        return Reshape(y, n, c * kernel.Height * kernel.Width, grid.Places.Height * grid.Places.Width);
    }

    /// <summary>The transpose of <see cref="Unfold"/>: patches added up where they lie, x [N, C · KH · KW, places] → [N, C, size].</summary>
    public static Tensor Fold(Tensor x, Size2 size, Size2 kernel, ConvolutionOptions? options = null)
    {
        Check.Rank("fold", "x", x, 3, 3);
        PatchGrid grid = Grid("fold", x, kernel, size, options ?? new());
        int taps = kernel.Height * kernel.Width, n = x.Size(0), c = x.Size(1) / taps;
        Check.Shape("fold", "x", x, n, c * taps, grid.Places.Height * grid.Places.Width);
        x = Contiguous(Reshape(x, n, c, kernel.Height, kernel.Width, grid.Places.Height, grid.Places.Width));
        Tensor y = Tensor.Zeros(x.DType, n, c, size.Height + 2 * grid.Padding.Height, size.Width + 2 * grid.Padding.Width);
        grid.AddPatches(x, y);
        if (Tape.Records(x))
        {
            var op = FoldOp.Rent();
            (op.X, op.Grid) = (x, grid);
            Tape.Record(op, y);
        }
        return Slice(
            Slice(y, 2, grid.Padding.Height, grid.Padding.Height + size.Height), 3, grid.Padding.Width, grid.Padding.Width + size.Width);
    }

    private static PatchGrid Grid(string name, Tensor x, Size2 kernel, Size2 size, in ConvolutionOptions options)
    {
        Check.Float(name, "x", x);
        CheckSize(name, "kernel", kernel, 1);
        CheckSize(name, "stride", options.Stride, 1);
        CheckSize(name, "dilation", options.Dilation, 1);
        CheckSize(name, "padding", options.Padding, 0);
        return new(
            kernel, options.Stride, options.Dilation, options.Padding,
            (Places(name, size.Height, kernel.Height, options.Stride.Height, options.Padding.Height, options.Dilation.Height),
            Places(name, size.Width, kernel.Width, options.Stride.Width, options.Padding.Width, options.Dilation.Width)));
    }

    // Where the patches of padded images lie in memory.
    private readonly record struct PatchGrid(Size2 Window, Size2 Stride, Size2 Dilation, Size2 Padding, Size2 Places)
    {
        // Of images [N, C, H, W]: [N, C, KH, KW, places, places], where patches may overlap.
        public Layout Patches(in Layout images)
        {
            (long row, long column) = (images.Stride(2), images.Stride(3));
            return new Layout(
                [images[0], images[1], Window.Height, Window.Width, Places.Height, Places.Width],
                [images.Stride(0), images.Stride(1), Dilation.Height * row, Dilation.Width * column, Stride.Height * row, Stride.Width * column],
                images.Offset);
        }

        // What one tap sees at all places does not overlap.
        public void AddPatches(Tensor patches, Tensor images)
        {
            Layout all = Patches(images.Layout);
            for (int t = 0; t < Window.Height; t++)
                for (int u = 0; u < Window.Width; u++)
                    Kernel.For(images).Copy(
                        patches, patches.Layout.Slice(2, t, 1).Slice(3, u, 1), images, all.Slice(2, t, 1).Slice(3, u, 1), add: true);
        }
    }

    private sealed class UnfoldOp : Op<UnfoldOp>
    {
        public Tensor X = null!;
        public PatchGrid Grid;

        public override string Name => "unfold";

        public override void Backward(Tensor dy)
        {
            (Tensor dx, bool add) = Tape.GradFor(X);
            if (!add) Kernel.For(dx).Fill(dx, 0);
            Grid.AddPatches(dy, dx);
        }
    }

    private sealed class FoldOp : Op<FoldOp>
    {
        public Tensor X = null!;
        public PatchGrid Grid;

        public override string Name => "fold";

        public override void Backward(Tensor dy)
        {
            (Tensor dx, bool add) = Tape.GradFor(X);
            Kernel.For(dy).Copy(dy, Grid.Patches(dy.Layout), dx, dx.Layout, add);
        }
    }
}
