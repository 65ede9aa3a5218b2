using System.Globalization;

namespace Craton.Tensors.Tests.Golden;

// Recurrent layers.
internal static partial class OpsFunctions
{
    private static IEnumerable<KeyValuePair<string, OpsFunction>> Sequences() =>
    [
        new("rnn", call => Layers(call, Plain(call))), new("lstm", call => Layers(call, RecurrentCell.Lstm)), new("gru", call => Layers(call, RecurrentCell.Gru)),
        new("rnn_cell", call => OneStep(call, Plain(call))), new("lstm_cell", call => OneStep(call, RecurrentCell.Lstm)),
        new("gru_cell", call => OneStep(call, RecurrentCell.Gru)),
    ];

    private static RecurrentCell Plain(OpsCall call) => Enum.Parse<RecurrentCell>(call.Text("nonlinearity"), ignoreCase: true);

    private static (string Role, Tensor Value)[] Layers(OpsCall call, RecurrentCell cell)
    {
        bool bidirectional = call.Flag("bidirectional"), bias = call.Flag("bias");
        var weights = new List<RecurrentWeights>();
        for (int layer = 0; layer < call.Int("num_layers"); layer++)
            foreach (string direction in bidirectional ? new[] { "", "_reverse" } : [""])
                weights.Add(Weights(call, string.Create(CultureInfo.InvariantCulture, $"_l{layer}{direction}")));
        if (weights.Any(w => w.HiddenBias is null == bias || w.Input.Size(0) != cell.Gates() * call.Int("hidden_size")))
            throw new InvalidOperationException("the weights are not those of the attributes");
        if (weights[0].Input.Size(1) != call.Int("input_size")) throw new InvalidOperationException("input_size is not that of the weights");
        return Named(Ops.RecurrentLayers(
            cell, call["x"], weights.ToArray(), bidirectional, call.Optional("h0"), call.Optional("c0"), call.Optional("lengths")));
    }

    private static (string Role, Tensor Value)[] OneStep(OpsCall call, RecurrentCell cell)
    {
        Tensor? c = call.Optional("c0");
        RecurrentResult result = Ops.RecurrentLayers(
            cell, Ops.Unsqueeze(call["x"], 1), [Weights(call, "")], h: Ops.Unsqueeze(call["h0"], 0), c: c is null ? null : Ops.Unsqueeze(c, 0));
        return Named(new(result.Y, Ops.Squeeze(result.H, 0), result.C is null ? null : Ops.Squeeze(result.C, 0)));
    }

    private static RecurrentWeights Weights(OpsCall call, string suffix) => new(
        call["weight_ih" + suffix], call["weight_hh" + suffix], call.Optional("bias_ih" + suffix), call.Optional("bias_hh" + suffix));

    private static (string Role, Tensor Value)[] Named(RecurrentResult result) =>
        result.C is null ? [("y", result.Y), ("h", result.H)] : [("y", result.Y), ("h", result.H), ("c", result.C)];
}
