using System.Runtime.CompilerServices;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>
/// All kernels in the order in which tiles read them, packed once for all images: panels of a few filters, each [channel, tap][filter].
/// Every thread packs what it uses for itself, which costs less than to read what another has just written.
/// </summary>
internal readonly unsafe struct PackedFilters : IJob
{
    // Beyond this the threads share one copy, packed before.
    private const long MostBytes = 64 << 20;

    private readonly FilterView _view;
    private readonly ConvolutionShape _shape;
    private readonly nint _size;     // floats of a panel
    private readonly float* _packed; // panels of all groups
    private readonly int* _done;     // 1 for each of them that is packed
    private readonly int* _firsts;   // first filter of every panel of a group

    /// <param name="view">The kernels.</param>
    /// <param name="shape">Their shape.</param>
    /// <param name="mostRows">Most filters of a panel.</param>
    public PackedFilters(FilterView view, in ConvolutionShape shape, int mostRows)
    {
        (_view, _shape) = (view, shape);
        Panels = (shape.Filters + mostRows - 1) / mostRows;
        int rows = (shape.Filters + Panels - 1) / Panels;
        _size = checked((nint)Lines(((long)shape.Channels * shape.Taps * rows) + GemmPacking.Overrun));
        int threads = WorkerPool.Threads;
        IsShared = threads == 1 || threads * Bytes > MostBytes;
        int copies = IsShared ? 1 : threads;
        _packed = (float*)WorkerScratch.Rent((copies * Bytes) + ((Panels + 1) * sizeof(int)));
        _done = (int*)(_packed + (Tasks * _size));
        _firsts = (int*)((byte*)_packed + (copies * Bytes));
        for (int panel = 0; panel <= Panels; panel++) _firsts[panel] = (int)((long)shape.Filters * panel / Math.Max(1, Panels));
        for (int i = 0; i < copies; i++) new Span<int>((byte*)_done + (i * Bytes), Tasks).Clear();
    }

    private PackedFilters(in PackedFilters all, int worker)
    {
        this = all;
        _packed = (float*)((byte*)all._packed + (worker * Bytes));
        _done = (int*)((byte*)all._done + (worker * Bytes));
    }

    /// <summary>Whether all panels must be packed, each by a task of its own, before <see cref="Of"/>.</summary>
    public bool IsShared { get; }

    /// <summary>Panels of a group.</summary>
    public int Panels { get; }

    public int Tasks => _shape.Groups * Panels;

    // Of one copy, with its flags.
    private long Bytes => checked((Tasks * _size) + Lines(Tasks)) * sizeof(float);

    /// <summary>Those of a thread.</summary>
    public PackedFilters Of(int worker) => IsShared ? this : new(this, worker);

    /// <summary>The first filter of a panel; panels are nearly equally high.</summary>
    public int First(int panel) => _firsts[panel];

    /// <summary>A panel from one channel on.</summary>
    public float* At(int group, int panel, int channel) =>
        _packed + ((((nint)group * Panels) + panel) * _size) + ((nint)channel * _shape.Taps * (First(panel + 1) - First(panel)));

    /// <summary>Packs those of some panels that are not packed yet.</summary>
    public void Pack(int group, int firstPanel, int endPanel)
    {
        for (int task = (group * Panels) + firstPanel; task < (group * Panels) + endPanel; task++)
            if (_done[task] == 0) Run(task, 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(int task, int worker)
    {
        _done[task] = 1;
        (int group, int panel) = Math.DivRem(task, Panels);
        int first = First(panel), rows = First(panel + 1) - first;
        float* to = At(group, panel, 0), from = _view.Data + (group * _view.Group) + (first * _view.Filter);
        if (_shape.Taps == 1 || (_view.Column == 1 && _view.Row == _shape.Columns.Taps && _view.Channel == _shape.Taps))
        {
            GemmPacking.Pack(from, _view.Filter, _shape.Taps == 1 ? _view.Channel : 1, rows, rows, _shape.Channels * _shape.Taps, to);
            return;
        }
        for (int c = 0; c < _shape.Channels; c++)
            for (int t = 0; t < _shape.Rows.Taps; t++)
                for (int u = 0; u < _shape.Columns.Taps; u++)
                {
                    float* tap = from + (c * _view.Channel) + (t * _view.Row) + (u * _view.Column);
                    for (int i = 0; i < rows; i++, tap += _view.Filter) *to++ = *tap;
                }
    }

    private static long Lines(long count) => (count + FetchLines.Line - 1) & -FetchLines.Line;
}
