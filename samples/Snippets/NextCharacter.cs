using Craton.Nn;
using Craton.Tensors;
using static Craton.Tensors.Ops;

namespace Craton.Samples;

/// <summary>The neural language model of Bengio et al. (2003): the last few characters, embedded side by side, one hidden layer.</summary>
public sealed class NextCharacter : Module
{
    private readonly int _context, _width;
    private readonly Embedding _table;
    private readonly Linear _hidden, _output;

    /// <summary>Creates the model with normal weights of standard deviation 0.1.</summary>
    public NextCharacter(int vocabulary, int context, int width, ulong seed)
    {
        (_context, _width) = (context, width);
        _table = Child("table", new Embedding(vocabulary, width));
        _hidden = Child("hidden", new Linear(context * width, 4 * width, bias: true));
        _output = Child("output", new Linear(4 * width, vocabulary));
        uint index = 0;
        foreach ((_, Tensor weight) in NamedParameters()) Init.Normal(weight, 0.1, seed, index++);
    }

    /// <summary>Mean cross-entropy, in nats: ids I32 [N, context], targets I32 [N].</summary>
    public Tensor Loss(Tensor ids, Tensor targets)
    {
        Tensor x = _table.Forward(ids).View(-1, _context * _width);
        return CrossEntropy(_output.Forward(Tanh(_hidden.Forward(x))), targets);
    }
}
