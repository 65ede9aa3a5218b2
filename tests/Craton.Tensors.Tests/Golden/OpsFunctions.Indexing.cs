namespace Craton.Tensors.Tests.Golden;

// Views, copies, selections.
internal static partial class OpsFunctions
{
    private static IEnumerable<KeyValuePair<string, OpsFunction>> Indexing() =>
    [
        On("embedding", call => Ops.Embedding(call["weight"], call["ids"], call.IntOrNull("padding_idx") ?? -1)),
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
        On("expand", call => Ops.Expand(call["x"], call.Ints("shape"))),
        On("repeat_interleave", call => Ops.RepeatInterleave(call["x"], call.Int("repeats"), call.Int("dim"))),
        On("tile", call => Ops.Tile(call["x"], call.Ints("repeats"))),
        On("flip", call => Ops.Flip(call["x"], call.Ints("dims"))),
        On("roll", call => Ops.Roll(call["x"], call.Ints("shifts"), call.Ints("dims"))),
        On("tril", call => Ops.Tril(call["x"], call.Int("diagonal"))),
        On("one_hot", call => Ops.OneHot(call["ids"], call.Int("classes"))),
    ];

    private static Tensor Pad(OpsCall call)
    {
        if (call.Text("mode") != "constant") throw new SkippedCaseException($"pad mode {call.Text("mode")} is not built");
        Tensor x = call["x"];
        int[][] pads = [.. call.Attribute("pads").EnumerateArray().Select(pair => pair.EnumerateArray().Select(size => size.GetInt32()).ToArray())];
        for (int dim = 0; dim < pads.Length; dim++) // negative padding crops
            x = x.Slice(dim, Math.Max(0, -pads[dim][0]), x.Size(dim) + Math.Min(0, pads[dim][1]));
        return Ops.Pad(x, call.Number("value"), [.. pads.Select(pad => Math.Max(0, pad[0]))], [.. pads.Select(pad => Math.Max(0, pad[1]))]);
    }
}
