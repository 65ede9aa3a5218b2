using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>G g Gᵀ of all kernels (see <see cref="TileGrid"/>) in the order in which the products read them: of each of the 16 elements panels of
/// a few filters, each [channel][filter].</summary>
internal readonly unsafe struct TileFilters<V> : IJob where V : struct, IVec<V>
{
    private const int Taps = 9, ChannelsAtOnce = 16;

    // Filters of a panel side by side, with room for the last vector.
    private const int Width = 16;

    private readonly FilterView _view;
    private readonly int _channels, _filters;
    private readonly float* _packed;
    private readonly nint _product;

    public TileFilters(in ConvolutionProblem problem, float* packed)
    {
        (_view, _channels, _filters) = (problem.Filters, problem.Shape.Channels, problem.Shape.Filters);
        _packed = packed;
        Panels = (_filters + GemmTiles<V>.MostRows - 1) / GemmTiles<V>.MostRows;
        _product = ProductSize(problem.Shape, Panels);
    }

    /// <summary>Number of panels, and of tasks.</summary>
    public int Panels { get; }

    /// <summary>Memory for all of them, in elements.</summary>
    public static long Size(in ConvolutionShape shape) =>
        TileGrid.Products * ProductSize(shape, (shape.Filters + GemmTiles<V>.MostRows - 1) / GemmTiles<V>.MostRows);

    // After each panel there is room for what its last vector has too much.
    private static nint ProductSize(in ConvolutionShape shape, int panels) => ((nint)shape.Filters * shape.Channels) + (panels * Width);

    /// <summary>The first filter of a panel; panels are nearly equally high.</summary>
    public int First(int panel) => (int)((long)_filters * panel / Panels);

    /// <summary>A panel of one of the 16 elements.</summary>
    public float* At(int product, int panel) => _packed + (product * _product) + ((nint)First(panel) * _channels) + (panel * Width);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(int task, int worker)
    {
        float* taps = stackalloc float[(ChannelsAtOnce * Taps * Width) + GemmPacking.Overrun], along = stackalloc float[12 * Width];
        int rows = First(task + 1) - First(task), start = _view.Column > 0 ? 0 : Taps - 1; // the taps of a transposed kernel run backwards
        nint step = _view.Column > 0 ? rows : -rows;
        for (int first = 0; first < _channels; first += ChannelsAtOnce)
        {
            int count = Math.Min(ChannelsAtOnce, _channels - first);
            PackTaps(task, first, count, taps);
            float* from = taps + ((nint)start * rows), to = At(0, task) + ((nint)first * rows);
            for (int c = 0; c < count; c++, from += Taps * rows, to += rows)
                for (int f = 0; f < rows; f += V.Lanes) Transform(from + f, step, along + f, to + f);
        }
    }

    // [channel][tap][filter], the taps as they lie in memory.
    private void PackTaps(int panel, int channel, int count, float* taps)
    {
        int first = First(panel), rows = First(panel + 1) - first;
        float* from = _view.Data + (first * _view.Filter) + (channel * _view.Channel) + Math.Min(0, (Taps - 1) * _view.Column);
        if (_view.Channel == Taps) GemmPacking.Pack(from, _view.Filter, 1, rows, rows, count * Taps, taps);
        else
            for (int c = 0; c < count; c++) GemmPacking.Pack(from + (c * _view.Channel), _view.Filter, 1, rows, rows, Taps, taps + (c * Taps * rows));
    }

    // Several filters across the lanes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Transform(float* taps, nint step, float* along, float* to)
    {
        for (int i = 0; i < 3; i++, taps += 3 * step, along += 4 * Width) Transform(taps, step, along, Width);
        along -= 12 * Width;
        for (int j = 0; j < 4; j++) Transform(along + (j * Width), 4 * Width, to + (j * _product), 4 * _product);
    }

    // G x
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transform(float* from, nint fromStep, float* to, nint toStep)
    {
        V x0 = V.Load(from), x1 = V.Load(from + fromStep), x2 = V.Load(from + (2 * fromStep)), half = V.Broadcast(0.5);
        V ends = (x0 + x2) * half, middle = x1 * half;
        V.Store(to, 0, x0);
        V.Store(to + toStep, 0, ends + middle);
        V.Store(to + (2 * toStep), 0, ends - middle);
        V.Store(to + (3 * toStep), 0, x2);
    }
}
