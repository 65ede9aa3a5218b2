namespace Craton.Tensors.Tests.Golden;

// Views, copies, selections.
internal static partial class OpsFunctions
{
    private static IEnumerable<KeyValuePair<string, OpsFunction>> Indexing() =>
    [
        On("embedding", Embedding),
        On("gather", call => Ops.Gather(call["x"], call.Int("dim"), call["index"])),
        On("scatter_add", call => Ops.ScatterAdd(call["base"], call.Int("dim"), call["index"], call["source"])),
        On("index_select", call => Ops.IndexSelect(call["x"], call.Int("dim"), call["index"])),
        On("index_add", call => Ops.IndexAdd(call["base"], call.Int("dim"), call["index"], call["source"])),
        On("concat", call => Ops.Concat(call.Int("dim"), call.Ordered)),
        On("stack", call => Ops.Stack(call.Int("dim"), call.Ordered)),
        new("split", call => [.. Ops.Split(call["x"], call.Int("dim"), call.Ints("sizes")).Select((part, i) => ($"y{i}", part))]),
        On("slice", call => Ops.Slice(
            call["x"], call.Int("dim"), call.Int("start"), call.IntOrNull("stop") ?? int.MaxValue, call.Int("step"))),
        On("pad", Pad),
        On("permute", call => Ops.Permute(call["x"], call.Ints("dims"))),
        On("reshape", call => Ops.Reshape(call["x"], call.Ints("shape"))),
        On("expand", Expand),
        On("repeat_interleave", call => Ops.RepeatInterleave(call["x"], call.Int("repeats"), call.Int("dim"))),
        On("tile", Tile),
        On("flip", call => Ops.Flip(call["x"], call.Ints("dims"))),
        On("roll", call => Ops.Roll(call["x"], call.Ints("shifts"), call.Ints("dims"))),
        On("tril", call => Ops.Tril(call["x"], call.Int("diagonal"))),
        On("one_hot", call => Ops.OneHot(call["ids"], call.Int("classes"))),
    ];

    private static Tensor Embedding(OpsCall call)
    {
        int padding = call.IntOrNull("padding_idx") is not { } row ? -1 : row < 0 ? call["weight"].Size(0) + row : row; // here -1 is none
        return Ops.Embedding(call["weight"], call["ids"], padding);
    }

    // A size of -1 stays as it is.
    private static Tensor Expand(OpsCall call)
    {
        int[] shape = call.Ints("shape"), own = call["x"].Shape.ToArray();
        for (int i = 1; i <= own.Length; i++)
            if (shape[^i] == -1) shape[^i] = own[^i];
        return Ops.Expand(call["x"], shape);
    }

    // Repeats and dimensions are aligned at the end.
    private static Tensor Tile(OpsCall call)
    {
        int[] repeats = call.Ints("repeats"), shape = call["x"].Shape.ToArray();
        int rank = Math.Max(repeats.Length, shape.Length);
        return Ops.Tile(Ops.Reshape(call["x"], Filled(shape)), Filled(repeats));

        int[] Filled(int[] sizes) => [.. Enumerable.Repeat(1, rank - sizes.Length), .. sizes];
    }

    private static Tensor Pad(OpsCall call)
    {
        Tensor x = call["x"];
        int[][] pads = [.. call.Attribute("pads").EnumerateArray().Select(pair => pair.EnumerateArray().Select(size => size.GetInt32()).ToArray())];
        double value = call.Number("value");
        if (call.Text("mode") != "constant")
            return Ops.Pad(x, [.. pads.Select(pad => pad[0])], [.. pads.Select(pad => pad[1])], Enum.Parse<PadMode>(call.Text("mode"), ignoreCase: true));
        for (int dim = 0; dim < pads.Length; dim++) // negative padding crops
            x = x.Slice(dim, Math.Max(0, -pads[dim][0]), x.Size(dim) + Math.Min(0, pads[dim][1]));
        return Ops.Pad(x, value, [.. pads.Select(pad => Math.Max(0, pad[0]))], [.. pads.Select(pad => Math.Max(0, pad[1]))]);
    }
}
