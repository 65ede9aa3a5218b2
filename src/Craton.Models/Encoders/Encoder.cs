using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Encoders;

// B texts, T places, C hidden size. Packed texts are one row: B is 1 and T the sum of their lengths.

/// <summary>
/// A Transformer that reads whole texts. A family declares embedding and layers under the checkpoint's names, and the heads that its
/// checkpoints carry for each task; the rest is the same for all.
/// </summary>
public abstract class Encoder : Module
{
    /// <summary>Checks the configuration.</summary>
    protected Encoder(EncoderConfig config)
    {
        config.Validate("model");
        Config = config;
    }

    /// <summary>The shape of the model.</summary>
    public EncoderConfig Config { get; }

    /// <summary>What stands before the encoder's names where a head stands beside it.</summary>
    protected internal abstract string Prefix { get; }

    /// <summary>The layers, in the order in which they are run.</summary>
    protected internal abstract IReadOnlyList<EncoderBlock> Blocks { get; }

    /// <summary>The table of tokens.</summary>
    protected internal abstract Embedding Tokens { get; }

    /// <summary>The checkpoint's name of the pooler; null where the family has none.</summary>
    protected internal virtual string? PoolerName => null;

    /// <summary>The layer that makes one vector of a text's first; null where the checkpoint has none.</summary>
    public Linear? Pooler { get; private set; }

    // Checkpoints hold it where their head reads it, and some where nothing does.
    internal void AddPooler() => Pooler ??= Child(PoolerName!, new Linear(Config.HiddenSize, Config.HiddenSize, bias: true));

    /// <summary>The head of a task as the family has it; null for a task that it has none for.</summary>
    protected internal abstract HeadShape? HeadOf(EncoderTask task);

    /// <summary>Begins a call.</summary>
    protected internal virtual EncoderPass Begin(in EncoderInput input) => new(input);

    /// <summary>The input of the first layer: [B, T, C].</summary>
    protected internal abstract Tensor Embed(EncoderPass pass);

    /// <summary>What follows the last layer.</summary>
    protected internal virtual Tensor Finish(Tensor x) => x;

    /// <summary>The vectors of all tokens.</summary>
    /// <param name="input">The texts.</param>
    /// <returns>[B, T, C].</returns>
    /// <exception cref="CratonException">A text is longer than the model's positions, or an id is no token.</exception>
    public Tensor Hidden(in EncoderInput input)
    {
        if (input.Longest > Config.Longest)
            throw new CratonException($"a text of {input.Longest} tokens is longer than the model's {Config.Longest} positions; shorten it");
        EncoderPass pass = Begin(input);
        Tensor x = Embed(pass);
        foreach (EncoderBlock block in Blocks) x = block.Forward(x, pass);
        return Finish(x);
    }

    /// <summary>One vector for each text, made of its first: tanh(pooler(x)), [texts, C].</summary>
    /// <exception cref="CratonException">The checkpoint has no pooler.</exception>
    public Tensor Pooled(Tensor hidden, in EncoderInput input) => Pooler is { } pooler
        ? Ops.Tanh(pooler.Forward(Pooling.Pool(hidden, input, PoolingMode.First)))
        : throw new CratonException("this model has no pooler; use one of the other ways to make a vector of a text, such as the mean of its tokens");

    /// <summary>Keeps the weights of all products in the order in which inference reads them (<see cref="Tensor.Pack"/>): quicker, and no longer
    /// for training or saving.</summary>
    public void PackWeights()
    {
        foreach (Linear linear in Modules().OfType<Linear>()) linear.Weight.Pack();
    }
}
