using static Craton.Tensors.Ops;

namespace Craton.Tensors.Tests.Catalog;

// Recurrent layers: [places, rows, gates, width] and [gates, width, width].
internal static partial class OpCatalog
{
    private static IEnumerable<OpRow> Sequences()
    {
        foreach (RecurrentCell cell in Enum.GetValues<RecurrentCell>())
        {
            (int gates, string g) = (cell.Gates(), $"{cell.Gates()}");
            string state = cell == RecurrentCell.Lstm ? "2" : "1";
            yield return Steps(cell.ToString(), [In($"tb{g}p"), In($"{g}pp", -0.3, 0.3), In($"{g}p"), In($"b{state}p")], x => Recurrent(
                cell, Flat(x[0], 3), Reshape(x[1], -1, x[1].Size(2)), Reshape(x[2], -1), Flat(x[3], 2)));
            yield return Steps($"{cell}, lengths", [In($"tb{g}p"), In($"{g}pp", -0.3, 0.3), In($"b{state}p"), Lengths("b")], x => Recurrent(
                cell, Flat(x[0], 3), Reshape(x[1], -1, x[1].Size(2)), null, Flat(x[2], 2), x[3], reverse: true));
        }
        yield return new(nameof(RecurrentLayers), "", [In("btp"), In("3pp", -0.3, 0.3), In("3pp", -0.3, 0.3), In("3p"), In("3p"), Lengths("b")], x =>
        {
            var weights = new RecurrentWeights(Reshape(x[1], -1, x[1].Size(2)), Reshape(x[2], -1, x[2].Size(2)), Reshape(x[3], -1), Reshape(x[4], -1));
            return RecurrentLayers(RecurrentCell.Gru, x[0], [weights, weights], bidirectional: true, lengths: x[5]).Y;
        })
        {
            Tolerance = Sums,
            GradientTolerance = 2 * Sums,
            Allocates = "the array of last states",
        };
    }

    private static OpRow Steps(string @case, OpInput[] inputs, Func<Tensor[], Tensor> call) =>
        new(nameof(Recurrent), @case, inputs, call) { Tolerance = Sums, GradientTolerance = 2 * Sums };

    // The last two dimensions as one.
    private static Tensor Flat(Tensor x, int rank) => rank == 2 ? Reshape(x, x.Size(0), -1) : Reshape(x, x.Size(0), x.Size(1), -1);

    private static OpInput Lengths(string shape) => new(shape, static (_, i, size) => Math.Max(1, Dims.Of('t', size) - 2 * i)) { Type = DType.I64 };
}
