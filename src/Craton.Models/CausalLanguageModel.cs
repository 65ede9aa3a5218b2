using System.Text.Json.Nodes;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models;

// B batch, T positions, C hidden size, V vocabulary.

/// <summary>
/// A decoder-only Transformer. A family declares embedding, blocks, final norm and head under the checkpoint's names, and how they follow on
/// each other in a block; the rest is the same for all. The same forward pass trains, scores and, with a cache, decodes.
/// </summary>
public abstract class CausalLanguageModel : Module
{
    /// <summary>Checks the configuration.</summary>
    protected CausalLanguageModel(DecoderConfig config)
    {
        config.Validate("model");
        Config = config;
    }

    /// <summary>The shape of the model.</summary>
    public DecoderConfig Config { get; }

    /// <summary>What it was read from; null for a model that was made here.</summary>
    public ModelSource? Source { get; internal set; }

    /// <summary>
    /// Keep only what enters each block for the backward pass, and compute the block again there: much less memory, about a third more time,
    /// the same bits.
    /// </summary>
    public bool CheckpointActivations { get; set; }

    /// <summary>The vectors of tokens. This and what follows is set by the family's constructor.</summary>
    protected Embedding Tokens { get; init; } = null!;

    /// <summary>The blocks.</summary>
    protected internal IReadOnlyList<DecoderBlock> Blocks { get; protected init; } = [];

    /// <summary>The norm behind the last block; null for none.</summary>
    protected Norm? Final { get; init; }

    /// <summary>The step to scores.</summary>
    protected internal OutputHead Head { get; protected init; } = null!;

    /// <summary>Rotary positions, of which <see cref="Epoch"/> speaks; null for none.</summary>
    protected internal RotaryPositions? Rotary { get; protected init; }

    /// <summary>What stands before the checkpoint's names of all but the head; some files leave it out.</summary>
    protected internal virtual string Prefix => "model";

    /// <summary>The input of the first block: ids [B, T] → [B, T, C].</summary>
    protected internal virtual Tensor Embed(Tensor ids, in DecoderPass pass) => Tokens.Forward(ids);

    /// <summary>What follows the last block: [B, T, C] → [B, T, C].</summary>
    protected internal virtual Tensor Finish(Tensor x) => Final?.Forward(x) ?? x;

    /// <summary>Whether files hold this parameter, a matrix, the other way round.</summary>
    protected internal virtual bool IsStoredTransposed(string name) => false;

    /// <summary>
    /// Texts whose lengths have the same number read alike. A cache that was filled under another one is to be filled anew: the rotary positions
    /// of some models are scaled by the length of the text.
    /// </summary>
    public int Epoch(int length) => Rotary?.Epoch(length) ?? 0;

    /// <summary>An empty cache.</summary>
    /// <param name="batch">Number of sequences.</param>
    /// <param name="capacity">Most positions; the model's context when 0.</param>
    public KvCache NewCache(int batch = 1, int capacity = 0) => new(
        Config.NumHiddenLayers, batch, capacity > 0 ? Math.Min(capacity, Config.MaxPositionEmbeddings) : Config.MaxPositionEmbeddings,
        Config.NumKeyValueHeads, Config.HeadDim);

    /// <summary>Hidden states after the final norm.</summary>
    /// <param name="ids">Token ids, I32 [B, T].</param>
    /// <param name="input">Positions, documents, padding; default for one plain text per row.</param>
    /// <param name="cache">Keys and values of earlier positions; this call appends its own.</param>
    /// <returns>[B, T, C].</returns>
    public Tensor Hidden(Tensor ids, DecoderInput input = default, KvCache? cache = null)
    {
        int length = ids.Size(1) + (cache?.Length ?? 0);
        if (length > Config.MaxPositionEmbeddings)
            throw new CratonException($"{length} tokens are more than the model's context of {Config.MaxPositionEmbeddings}; shorten the text, or train a model with a longer context");
        var pass = new DecoderPass(ids, input, cache);
        Tensor x = Embed(ids, pass);
        for (int i = 0; i < Blocks.Count; i++) // an enumerator would be an object
            x = CheckpointActivations && cache is null
                ? Ops.Checkpoint(x, (Block: Blocks[i], pass), static (x, at) => at.Block.Forward(x, at.pass))
                : Blocks[i].Forward(x, pass);
        cache?.Advance(ids.Size(1));
        return Finish(x);
    }

    /// <summary>Scores of the next token: hidden states [.., C] → [.., V].</summary>
    public Tensor Logits(Tensor hidden) => Head.Logits(hidden);

    /// <summary>Scores of the next token at every position.</summary>
    /// <inheritdoc cref="Hidden"/>
    /// <returns>Logits [B, T, V].</returns>
    public Tensor Forward(Tensor ids, DecoderInput input = default, KvCache? cache = null) => Logits(Hidden(ids, input, cache));

    /// <summary>Mean cross-entropy, in nats, of the targets.</summary>
    /// <param name="ids">Token ids, I32 [B, T].</param>
    /// <param name="targets">The token after each position, I32 [B, T]; −100 does not count.</param>
    /// <param name="input">Positions, documents, padding; default for one plain text per row.</param>
    /// <param name="options">Label smoothing, z-loss, and the reduction.</param>
    public Tensor Loss(Tensor ids, Tensor targets, DecoderInput input = default, CrossEntropyOptions options = default)
    {
        Tensor hidden = Hidden(ids, input);
        return Head.Loss(hidden.View(-1, hidden.Size(-1)), targets.View(-1), options);
    }

    /// <summary>Keeps the weights of all products in the order in which inference reads them (<see cref="Tensor.Pack"/>): quicker, and no longer
    /// for training or saving.</summary>
    public void PackWeights()
    {
        foreach (Linear linear in Modules().OfType<Linear>()) linear.Weight.Pack();
        Head.Pack();
    }

    /// <summary>The head: the vectors of tokens, or a layer of its own under the checkpoint's name.</summary>
    /// <param name="name">The name.</param>
    /// <param name="bias">Whether the layer has a bias.</param>
    /// <param name="softCap">Scores s become cap · tanh(s / cap); 0 for no cap.</param>
    protected OutputHead NewHead(string name = "lm_head", bool bias = false, double softCap = 0) => Config.TieWordEmbeddings
        ? new OutputHead(Tokens, softCap)
        : new OutputHead(Child(name, new Linear(Tokens.Weight.Size(1), Config.VocabSize, bias)), softCap);

    /// <summary>Normal weights; those that write into the residual stream may begin smaller. Norms keep their ones, biases their zeros.</summary>
    protected void InitializeWeights(ulong seed, Func<string, bool> writesResidual)
    {
        double residual = Config.InitializerRange / Math.Sqrt(2 * Config.NumHiddenLayers);
        uint index = 0;
        foreach ((string name, Tensor tensor) in NamedParameters())
        {
            if (tensor.Rank == 2) Init.Normal(tensor, writesResidual(name) ? residual : Config.InitializerRange, seed, index);
            index++;
        }
    }
}

/// <summary>What a model was read from, so that it is written back the same.</summary>
/// <param name="Config">The content of <c>config.json</c>.</param>
/// <param name="Generation">The content of <c>generation_config.json</c>, or null.</param>
/// <param name="Type">The element type of its weights.</param>
/// <param name="HasPrefix">Whether its names begin with the family's prefix.</param>
public sealed record ModelSource(JsonObject Config, JsonObject? Generation, DType Type, bool HasPrefix);
