using System.Runtime.CompilerServices;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>
/// All kernels in the order in which tiles read them, packed once for all images: panels of a few filters, each [channel, tap][filter].
/// </summary>
internal readonly unsafe struct PackedFilters : IJob
{
    private readonly FilterView _view;
    private readonly ConvolutionShape _shape;
    private readonly float* _packed;

    /// <param name="view">The kernels.</param>
    /// <param name="shape">Their shape.</param>
    /// <param name="mostRows">Most filters of a panel.</param>
    /// <param name="packed">Room for all of them.</param>
    public PackedFilters(FilterView view, in ConvolutionShape shape, int mostRows, float* packed)
    {
        (_view, _shape) = (view, shape);
        _packed = packed;
        Panels = (shape.Filters + mostRows - 1) / mostRows;
    }

    /// <summary>Panels of a group.</summary>
    public int Panels { get; }

    public int Tasks => _shape.Groups * Panels;

    /// <summary>The first filter of a panel; panels are nearly equally high.</summary>
    public int First(int panel) => (int)((long)_shape.Filters * panel / Panels);

    /// <summary>A panel from one channel on.</summary>
    public float* At(int group, int panel, int channel)
    {
        nint steps = (nint)_shape.Channels * _shape.Taps, rows = First(panel + 1) - First(panel);
        return _packed + (((group * (nint)_shape.Filters) + First(panel)) * steps) + (channel * _shape.Taps * rows);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(int task, int worker)
    {
        (int group, int panel) = Math.DivRem(task, Panels);
        int first = First(panel), rows = First(panel + 1) - first;
        float* to = At(group, panel, 0), from = _view.Data + (group * _view.Group) + (first * _view.Filter);
        for (int c = 0; c < _shape.Channels; c++)
            for (int t = 0; t < _shape.Rows.Taps; t++)
                for (int u = 0; u < _shape.Columns.Taps; u++)
                {
                    float* tap = from + (c * _view.Channel) + (t * _view.Row) + (u * _view.Column);
                    for (int i = 0; i < rows; i++, tap += _view.Filter) *to++ = *tap;
                }
    }
}
