using Craton.Tensors;

namespace Craton.Nn;

/// <summary>Recurrent layers one on top of the other, in one direction or in both: RNN, LSTM or GRU (<see cref="Ops.RecurrentLayers"/>).</summary>
public sealed class RecurrentNetwork : Module
{
    private readonly RecurrentCell _cell;
    private readonly bool _bidirectional;
    private readonly RecurrentWeights[] _weights;

    /// <summary>Creates the layers with zeroed parameters.</summary>
    /// <param name="cell">Kind of cell.</param>
    /// <param name="inputs">Width of the input.</param>
    /// <param name="width">Width of the states.</param>
    /// <param name="layers">Number of layers.</param>
    /// <param name="bidirectional">Every layer has a second direction.</param>
    /// <param name="bias">False: no biases.</param>
    public RecurrentNetwork(RecurrentCell cell, int inputs, int width, int layers = 1, bool bidirectional = false, bool bias = true)
    {
        (_cell, _bidirectional) = (cell, bidirectional);
        int directions = bidirectional ? 2 : 1, gates = cell.Gates() * width;
        _weights = new RecurrentWeights[layers * directions];
        for (int i = 0; i < _weights.Length; i++)
        {
            string name = $"l{i / directions}{(i % directions == 1 ? "_reverse" : "")}";
            _weights[i] = new RecurrentWeights(
                Parameter($"weight_ih_{name}", gates, i < directions ? inputs : directions * width),
                Parameter($"weight_hh_{name}", gates, width),
                bias ? Parameter($"bias_ih_{name}", gates) : null,
                bias ? Parameter($"bias_hh_{name}", gates) : null);
        }
    }

    /// <summary>All states of the last layer, and the last ones of every layer.</summary>
    /// <param name="x">[N, T, inputs].</param>
    /// <param name="h">First states [layers · directions, N, width]; zero when left out.</param>
    /// <param name="c">First cells of an LSTM, likewise.</param>
    /// <param name="lengths">Integers [N]: places of each row that count; none means T.</param>
    public RecurrentResult Forward(Tensor x, Tensor? h = null, Tensor? c = null, Tensor? lengths = null) =>
        Ops.RecurrentLayers(_cell, x, _weights, _bidirectional, h, c, lengths);
}
