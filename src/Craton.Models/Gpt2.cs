using Craton.Nn;
using Craton.Tensors;
using static Craton.Tensors.Ops;

namespace Craton.Models;

// B batch, T positions, C width, H heads, D head size, V vocabulary.

/// <summary>The shape of a <see cref="Gpt2"/>, under the names of its <c>config.json</c>.</summary>
/// <param name="VocabSize">Number of token ids.</param>
/// <param name="NPositions">Longest sequence.</param>
/// <param name="NEmbd">Width.</param>
/// <param name="NLayer">Number of blocks.</param>
/// <param name="NHead">Number of heads.</param>
public sealed record Gpt2Config(int VocabSize, int NPositions, int NEmbd, int NLayer, int NHead)
{
    /// <summary>GPT-2 small: 124 million parameters.</summary>
    public static Gpt2Config Small124M { get; } = new(50257, 1024, 768, 12, 12);
}

/// <summary>
/// GPT-2 (Radford et al. 2019): learned positions, LayerNorm before each part, biases, GELU, the embedding table as output projection.
/// It is the model that training speeds are compared on.
/// </summary>
public sealed class Gpt2 : Module
{
    private readonly Gpt2Config _config;
    private readonly Embedding _tokens, _positions;
    private readonly Gpt2Block[] _blocks;
    private readonly LayerNorm _final;

    /// <summary>Creates the model with normal weights of standard deviation 0.02.</summary>
    public Gpt2(Gpt2Config config, ulong seed)
    {
        _config = config;
        _tokens = Child("wte", new Embedding(config.VocabSize, config.NEmbd));
        _positions = Child("wpe", new Embedding(config.NPositions, config.NEmbd));
        _blocks = Children("h", config.NLayer, _ => new Gpt2Block(config));
        _final = Child("ln_f", new LayerNorm(config.NEmbd));
        uint index = 0;
        foreach ((string name, Tensor tensor) in NamedParameters())
        {
            double residual = name.EndsWith("c_proj.weight", StringComparison.Ordinal) ? Math.Sqrt(2 * config.NLayer) : 1;
            if (tensor.Rank == 2) Init.Normal(tensor, 0.02 / residual, seed, index);
            index++;
        }
    }

    /// <summary>Mean cross-entropy, in nats, of the targets.</summary>
    /// <param name="ids">Token ids, I32 [B, T].</param>
    /// <param name="targets">The token after each position, I32 [B, T]; −100 does not count.</param>
    /// <param name="positions">0, 1, …, T−1, I32 [T].</param>
    public Tensor Loss(Tensor ids, Tensor targets, Tensor positions)
    {
        Tensor x = _tokens.Forward(ids) + _positions.Forward(positions);
        foreach (Gpt2Block block in _blocks) x = block.Forward(x);
        return LinearCrossEntropy(_final.Forward(x).View(-1, _config.NEmbd), _tokens.Weight, null, targets.View(-1), CrossEntropyOptions.Default);
    }
}

/// <summary>One block: attention and feed-forward, each behind a norm and added to the stream.</summary>
internal sealed class Gpt2Block : Module
{
    private readonly int _heads;
    private readonly LayerNorm _ln1, _ln2;
    private readonly Linear _attention, _attentionOut, _up, _down;

    public Gpt2Block(Gpt2Config config)
    {
        int width = config.NEmbd;
        _heads = config.NHead;
        _ln1 = Child("ln_1", new LayerNorm(width));
        _attention = Child("attn.c_attn", new Linear(width, 3 * width, bias: true));
        _attentionOut = Child("attn.c_proj", new Linear(width, width, bias: true));
        _ln2 = Child("ln_2", new LayerNorm(width));
        _up = Child("mlp.c_fc", new Linear(width, 4 * width, bias: true));
        _down = Child("mlp.c_proj", new Linear(4 * width, width, bias: true));
    }

    public Tensor Forward(Tensor x)
    {
        int batch = x.Size(0), length = x.Size(1), width = x.Size(2);
        Tensor qkv = _attention.Forward(_ln1.Forward(x)).View(batch, length, 3, _heads, width / _heads);
        Tensor y = Attention(Head(qkv, 0), Head(qkv, 1), Head(qkv, 2), new AttentionOptions { Causal = true });
        x = _attentionOut.Forward(y.Permute(0, 2, 1, 3).View(batch, length, width), residual: x);
        return _down.Forward(_up.Forward(_ln2.Forward(x)), Activation.Gelu, residual: x);
    }

    // Queries, keys or values of [B, T, 3, H, D] as [B, H, T, D].
    private static Tensor Head(Tensor qkv, int part) => Select(qkv, 2, part).Permute(0, 2, 1, 3);
}
