using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>
/// A tensor [B, H, T, D] of any strides, in 32 or 16 bits, as one matrix [T, D] for every batch and head; or pages [P, H, S, D], of which a list
/// makes one matrix for every head.
/// </summary>
internal readonly unsafe struct HeadMatrices(Tensor tensor, int firstRow = 0, int[]? pages = null)
{
    private readonly byte* _start = (byte*)tensor.Pointer + firstRow * Step(tensor, 2);
    private readonly DType _type = tensor.DType;
    private readonly int[]? _pages = pages;
    private readonly int _pageRows = tensor.Size(2);
    private readonly nint _batch = Step(tensor, 0), _head = Step(tensor, 1), _row = Step(tensor, 2), _column = Step(tensor, 3); // bytes from one to the next
    private readonly bool _isAdjacent = tensor.Layout.Stride(3) == 1;

    public readonly int Width = tensor.Size(3);

    private static nint Step(Tensor tensor, int dimension) => (nint)tensor.Layout.Stride(dimension) * tensor.DType.Size();

    private byte* At(int batch, int head, int row) => _start + batch * _batch + head * _head + row * _row;

    /// <summary>target = factor · rows, adjacent and filled up with zeros to the target's width.</summary>
    public void Read<V>(int batch, int head, int row, int rows, float factor, float* target, int targetWidth) where V : struct, IVec<V>
    {
        for (int end = row + rows, n; row < end; row += n, target += (nint)n * targetWidth)
        {
            byte* from = Adjacent(batch, head, row, end, out n);
            if (_type == DType.F32) Read<V, Singles>(from, n, factor, target, targetWidth);
            else if (_type == DType.BF16) Read<V, BrainFloat>(from, n, factor, target, targetWidth);
            else Read<V, AnyHalfFloat>(from, n, factor, target, targetWidth);
        }
    }

    /// <summary>Asks for rows that will be read.</summary>
    public void Fetch(int batch, int head, int row, int rows)
    {
        const int LineBytes = FetchLines.Line * sizeof(float);
        if (!Sse.IsSupported || !_isAdjacent) return;
        for (int end = row + rows, n; row < end; row += n)
        {
            byte* from = Adjacent(batch, head, row, end, out n);
            for (int r = 0; r < n; r++, from += _row)
                for (nint i = 0; i < Width * _column; i += LineBytes) Sse.Prefetch1(from + i);
        }
    }

    // Where a row lies, and how many from it on, before the end, are of one page.
    private byte* Adjacent(int batch, int head, int row, int end, out int count)
    {
        count = end - row;
        if (_pages is null) return At(batch, head, row);
        (int page, int at) = Math.DivRem(row, _pageRows);
        count = Math.Min(count, _pageRows - at);
        return At(_pages[page], head, at);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Read<V, TElements>(byte* from, int rows, float factor, float* target, int targetWidth) where V : struct, IVec<V> where TElements : struct, ITileElements
    {
        for (float* end = target + (nint)rows * targetWidth; target < end; from += _row, target += targetWidth)
        {
            int i = 0;
            if (_isAdjacent)
                for (V scale = V.BroadcastAt(&factor); i <= Width - V.Lanes; i += V.Lanes) V.Store(target, i, TElements.Load<V>(from + (nint)i * TElements.Size) * scale);
            for (; i < Width; i++) Scalar32.Store(target, i, TElements.Load<Scalar32>(from + i * _column) * Scalar32.BroadcastAt(&factor));
            for (; i < targetWidth; i++) target[i] = 0;
        }
    }

    /// <summary>rows = source, or rows += source; of 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Write<V>(int batch, int head, int row, int rows, float* source, int sourceWidth, bool add) where V : struct, IVec<V>
    {
        nint step = _row / sizeof(float), column = _column / sizeof(float);
        for (float* to = (float*)At(batch, head, row), end = source + (nint)rows * sourceWidth; source < end; to += step, source += sourceWidth)
        {
            int i = 0;
            if (column == 1)
                for (; i <= Width - V.Lanes; i += V.Lanes) V.Store(to, i, add ? V.Load(to, i) + V.Load(source, i) : V.Load(source, i));
            for (; i < Width; i++) to[i * column] = add ? to[i * column] + source[i] : source[i];
        }
    }
}

/// <summary>
/// A block of up to <see cref="Block"/> query rows of one key/value head, and its scores with one block of keys at a time. The rows are
/// those of all query heads that share the key head, one head after the other.
/// </summary>
/// <remarks>
/// Scores are kept turned, [key][query]: a query is a lane, so that maximum and sum over keys need no shuffles and no order of lanes, and a
/// key is a row, so that keys and values are read as they lie. What a query gets therefore depends on no other query. Key blocks begin at
/// multiples of <see cref="Block"/>; a key that a query does not see gets the score −∞ and the weight 0.
/// </remarks>
internal unsafe ref struct AttentionRows<V> where V : struct, IVec<V>
{
    /// <summary>Most queries and most keys of a block.</summary>
    public const int Block = 64;

    private readonly ref readonly AttentionCall _call;
    private readonly HeadMatrices _q, _k;
    private readonly int _batch, _group, _padded;
    private readonly bool* _padding;
    private readonly float* _first, _end, _place, _slope, _turned, _bias;
    private int _row;
    private float _lowestEnd, _greatestFirst;

    public AttentionRows(in AttentionCall call, int batch, int group, float* scratch)
    {
        _call = ref call;
        (_q, _k, _batch, _group) = (new HeadMatrices(call.Q, call.FirstQuery), new HeadMatrices(call.K, pages: call.Pages), batch, group);
        _padded = Padded(_q.Width);
        _padding = call.KeyPadding is { } padding ? (bool*)padding.Pointer + batch * padding.Layout.Stride(0) : null;
        _first = scratch;
        _end = _first + Block;
        _place = _end + Block;
        _slope = _place + Block;
        SeenKeys = (Span16*)(scratch + 4 * Block);
        SeeingQueries = SeenKeys + Block / 2;
        SeenByLanes = SeeingQueries + Block / 2;
        scratch += 6 * Block;
        Scores = scratch;
        Queries = scratch + Block * Block;
        Keys = Queries + Block * _padded;
        _turned = Keys + Block * _padded;
        _bias = _turned + Block * _padded + GemmPacking.Overrun;
    }

    /// <summary>Floats of scratch memory that the rows of a call need.</summary>
    public static int Scratch(in AttentionCall call) => Block * (6 + 2 * Block + 3 * Padded(call.Q.Size(3))) + GemmPacking.Overrun;

    /// <summary>Columns of a copied matrix of a given width: whole tiles at any register width.</summary>
    public static int Padded(int width) => (width + 31) & ~31;

    /// <summary>All query rows of a key head.</summary>
    public static int Total(in AttentionCall call) => call.Group * call.Queries;

    /// <summary>Number of query rows in this block.</summary>
    public int Count { get; private set; }

    /// <summary>Lanes that hold them: one vector, or whole tiles.</summary>
    public int Columns { get; private set; }

    /// <summary>The block's scores [key][query], rows <see cref="Block"/> apart.</summary>
    public readonly float* Scores { get; }

    /// <summary>The queries · scale, [query][padded width].</summary>
    public readonly float* Queries { get; }

    /// <summary>The block's keys, [key][padded width].</summary>
    public readonly float* Keys { get; }

    /// <summary>For every tile of queries, the keys of the block that any of them sees.</summary>
    public readonly Span16* SeenKeys { get; }

    /// <summary>For every tile of keys, the queries that see any of them.</summary>
    public readonly Span16* SeeingQueries { get; }

    /// <summary>For every vector of queries, the keys of the block that any of them sees. Scores of others may be anything: no weight is made of them.</summary>
    public readonly Span16* SeenByLanes { get; }

    /// <summary>Makes the rows from <paramref name="row"/> on the current ones.</summary>
    /// <returns>The keys they see, from the begin of a block on.</returns>
    public (int First, int End) Begin(int row)
    {
        (_row, Count) = (row, Math.Min(Block, Total(_call) - row));
        Columns = Count <= V.Lanes ? V.Lanes : (Count + AttentionTile<V>.Columns - 1) / AttentionTile<V>.Columns * AttentionTile<V>.Columns;
        ReadRows(_q, (float)_call.Scale, Queries, _padded);
        GemmPacking.Pack(Queries, _padded, 1, Count, Block, _q.Width, _turned);
        (int least, int greatest) = (int.MaxValue, 0);
        (_greatestFirst, _lowestEnd) = (0, float.PositiveInfinity);
        new Span<float>(_first, 4 * Block).Clear();
        for (int r = 0; r < Count; r++)
        {
            (int head, int query) = Locate(r);
            (int first, int end) = _call.Range(_batch, query);
            if (first < end) (least, greatest) = (Math.Min(least, first), Math.Max(greatest, end));
            (_first[r], _end[r], _place[r]) = (first, end, query + _call.Offset);
            (_greatestFirst, _lowestEnd) = (Math.Max(_greatestFirst, first), Math.Min(_lowestEnd, end));
            if (_call.Slopes is { } slopes) _slope[r] = ((float*)slopes.Pointer)[head * slopes.Layout.Stride(0)];
        }
        return greatest == 0 ? (0, 0) : (least / Block * Block, greatest);
    }

    /// <summary>Query head and query of a row of the block.</summary>
    public readonly (int Head, int Query) Locate(int r)
    {
        (int head, int query) = Math.DivRem(_row + r, _call.Queries);
        return (_group * _call.Group + head, query);
    }

    // How many rows of the block, from row r on, are of the query head of that one.
    private readonly int OfOneHead(int r, out int head, out int query)
    {
        (head, query) = Locate(r);
        return Math.Min(Count - r, _call.Queries - query);
    }

    /// <summary>Copies the block's rows of a tensor laid out by query heads.</summary>
    public readonly void ReadRows(in HeadMatrices from, float factor, float* to, int width)
    {
        for (int r = 0, n; r < Count; r += n)
        {
            n = OfOneHead(r, out int head, out int query);
            from.Read<V>(_batch, head, query, n, factor, to + r * width, width);
        }
    }

    /// <summary>Copies the block's rows to a tensor laid out by query heads.</summary>
    public readonly void WriteRows(in HeadMatrices to, float* from, int width, bool add)
    {
        for (int r = 0, n; r < Count; r += n)
        {
            n = OfOneHead(r, out int head, out int query);
            to.Write<V>(_batch, head, query, n, from + r * width, width, add);
        }
    }

    /// <summary>Asks for the block's rows of a tensor laid out by query heads.</summary>
    public readonly void FetchRows(in HeadMatrices from)
    {
        for (int r = 0, n; r < Count; r += n)
        {
            n = OfOneHead(r, out int head, out int query);
            from.Fetch(_batch, head, query, n);
        }
    }

    /// <summary>Asks for the keys [from, from + n).</summary>
    public readonly void FetchKeys(int from, int n) => _k.Fetch(_batch, _group, from, n);

    /// <summary>Multiplies each row of sums by a factor of its own. Where the greatest score has not changed it is exactly 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale(float* sums, int width, float* factors, int rows)
    {
        for (int r = 0; r < rows; r++, sums += width)
        {
            if (factors[r] == 1) continue;
            V factor = V.BroadcastAt(factors + r);
            for (int i = 0; i < width; i += V.Lanes) V.Store(sums, i, V.Load(sums, i) * factor);
        }
    }

    /// <summary>Clears the rows [first, end) of a vector of columns of a block: keys that nobody there sees.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Clear(float* column, int first, int end)
    {
        for (int j = first; j < end; j++) V.Store(column, j * Block, V.Broadcast(0));
    }

    /// <summary>Computes the scores with keys [from, from + n), and who sees whom.</summary>
    /// <param name="from">First key, at the begin of a block.</param>
    /// <param name="n">Number of keys.</param>
    /// <param name="bends">Where scores are capped, gets the derivative of each; or null.</param>
    public readonly void Compute(int from, int n, float* bends = null)
    {
        bool whole = _greatestFirst <= from && _lowestEnd >= from + n;
        FindSpans(from, n, whole);
        _k.Read<V>(_batch, _group, from, n, 1, Keys, _padded);
        AttentionTile<V>.Multiply(n, Columns, _q.Width, SeeingQueries, Keys, _padded, _turned, Scores, Block);
        if (_call.SoftCap > 0) Cap(Scores, n, Columns, (float)_call.SoftCap, bends);
        if (_call.Slopes is not null) AddDistances(Scores, n, Columns, from, _slope, _place);
        if (_call.Bias is not null)
        {
            ReadBias(from, n);
            Add(Scores, n, Columns, _bias);
        }
        if (!whole) Hide(Scores, SeenByLanes, Columns, from, _first, _end);
        if (_padding != null) HidePadding(from, n);
    }

    private readonly void FindSpans(int from, int n, bool whole)
    {
        int tile = AttentionTile<V>.Rows;
        var all = new Span16(0, (short)n);
        for (int r = 0; r < Count; r += tile) SeenKeys[r / tile] = whole ? all : SeenBy(r, tile, from, n);
        for (int c = 0; c < Columns; c += V.Lanes) SeenByLanes[c / V.Lanes] = whole ? all : SeenBy(c, V.Lanes, from, n);
        for (int j = 0; j < n; j += tile)
        {
            (int first, int end) = (0, Count);
            if (!whole)
            {
                int low = from + j, high = Math.Min(from + n, low + tile);
                while (first < end && !(_first[first] < high && _end[first] > low)) first++;
                while (first < end && !(_first[end - 1] < high && _end[end - 1] > low)) end--;
            }
            SeeingQueries[j / tile] = new Span16((short)first, (short)end);
        }
    }

    /// <summary>Of keys [from, from + n), those that any of some rows of the block sees.</summary>
    private readonly Span16 SeenBy(int row, int rows, int from, int n)
    {
        int first = n, end = 0;
        for (int r = row; r < Math.Min(Count, row + rows); r++)
        {
            (int f, int e) = (Math.Max(0, (int)_first[r] - from), Math.Min(n, (int)_end[r] - from));
            if (f < e) (first, end) = (Math.Min(first, f), Math.Max(end, e));
        }
        return new Span16((short)first, (short)Math.Max(first, end));
    }

    private readonly void ReadBias(int from, int n)
    {
        Layout layout = _call.Bias!.Layout.Expand([_call.Batch, _call.Heads, _call.Queries, _call.Keys]);
        long step = layout.Stride(3);
        for (int r = 0; r < Count; r++)
        {
            (int head, int query) = Locate(r);
            float* row = (float*)_call.Bias.Storage.Pointer + layout.Offset
                + _batch * layout.Stride(0) + head * layout.Stride(1) + query * layout.Stride(2) + from * step;
            for (int j = 0; j < n; j++) _bias[j * Block + r] = row[j * step];
        }
    }

    // Each of the following is a pass of its own over the block: few calls need more than one, and short loops compile well.

    /// <summary>Scores become most · tanh(score / most).</summary>
    /// <param name="scores">Scores, rows <see cref="Block"/> apart.</param>
    /// <param name="n">Their rows.</param>
    /// <param name="columns">Their columns; whole vectors are computed.</param>
    /// <param name="most">Where they are capped.</param>
    /// <param name="bends">Gets the derivatives, or null.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Cap(float* scores, int n, int columns, float most, float* bends)
    {
        V cap = V.BroadcastAt(&most), one = V.Broadcast(1);
        for (int j = 0; j < n * Block; j += Block)
            for (int c = 0; c < columns; c += V.Lanes)
            {
                V bent = VMath.Tanh(V.Load(scores, j + c) / cap);
                V.Store(scores, j + c, cap * bent);
                if (bends != null) V.Store(bends, j + c, one - bent * bent);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddDistances(float* scores, int n, int columns, int from, float* slopes, float* places)
    {
        for (int j = 0; j < n; j++)
            for (int c = 0; c < columns; c += V.Lanes)
                V.Store(scores, j * Block + c, V.Fma(V.Load(slopes, c), V.Broadcast(from + j) - V.Load(places, c), V.Load(scores, j * Block + c)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add(float* scores, int n, int columns, float* bias)
    {
        for (int j = 0; j < n * Block; j += Block)
            for (int c = 0; c < columns; c += V.Lanes) V.Store(scores, j + c, V.Load(scores, j + c) + V.Load(bias, j + c));
    }

    // −∞ for keys outside a query's range. Keys are counted as floats, exactly up to 2^24.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Hide(float* scores, Span16* seen, int columns, int from, float* firsts, float* ends)
    {
        V nothing = V.Broadcast(double.NegativeInfinity);
        for (int c = 0; c < columns; c += V.Lanes)
        {
            V first = V.Load(firsts, c), end = V.Load(ends, c);
            Span16 keys = seen[c / V.Lanes];
            for (int j = keys.First; j < keys.End; j++)
            {
                V key = V.Broadcast(from + j);
                V.Store(scores, j * Block + c, V.Select((key >= first) & (key < end), V.Load(scores, j * Block + c), nothing));
            }
        }
    }

    private readonly void HidePadding(int from, int n)
    {
        nint step = (nint)_call.KeyPadding!.Layout.Stride(1);
        for (int j = 0; j < n; j++)
            if (!_padding[(from + j) * step]) new Span<float>(Scores + j * Block, Columns).Fill(float.NegativeInfinity);
    }
}
