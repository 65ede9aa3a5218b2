using System.Text.Json.Nodes;
using Craton.Models.Adapters;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;

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

    /// <summary>What stands before every text; null for nothing.</summary>
    public PromptAdapter? Prompt { get; internal set; }

    /// <summary>The files that weights lie in. Every pass makes sure that none was cut: touching what is lost would end the process.</summary>
    internal SafetensorsMapping[] Mapped { get; set; } = [];

    /// <summary>Most tokens of a text.</summary>
    public int Context => Config.MaxPositionEmbeddings - (Prompt?.Count ?? 0);

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

    /// <summary>The name of the head's layer, also where it shares the embedding table and files do not hold it.</summary>
    protected internal virtual string HeadName => "lm_head";

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
    public int Epoch(int length) => Rotary?.Epoch(length + (Prompt?.Count ?? 0)) ?? 0;

    /// <summary>An empty cache.</summary>
    /// <param name="batch">Number of sequences.</param>
    /// <param name="capacity">Most positions; the model's context when 0.</param>
    /// <param name="type">What keys and values are rounded to: F32, F16 or BF16.</param>
    public KvCache NewCache(int batch = 1, int capacity = 0, DType type = DType.F32) => new(
        Config.NumHiddenLayers, batch, capacity > 0 ? Math.Min(capacity, Config.MaxPositionEmbeddings) : Config.MaxPositionEmbeddings,
        Config.NumKeyValueHeads, Config.HeadDim, type);

    /// <summary>A store of pages for the keys and values of many texts.</summary>
    /// <param name="pages">Number of pages.</param>
    /// <param name="pageSize">Tokens of a page.</param>
    /// <param name="type">What keys and values are rounded to: F32, F16 or BF16.</param>
    public PagedCache NewPagedCache(int pages, int pageSize, DType type = DType.F32) =>
        new(Config.NumHiddenLayers, pages, pageSize, Config.NumKeyValueHeads, Config.HeadDim, type);

    /// <summary>Hidden states after the final norm.</summary>
    /// <param name="ids">Token ids, I32 [B, T].</param>
    /// <param name="input">Positions, documents, padding; default for one plain text per row.</param>
    /// <param name="cache">Keys and values of earlier positions; this call appends its own.</param>
    /// <returns>[B, T, C].</returns>
    /// <exception cref="ModelFileException">A mapped file of the model was cut.</exception>
    public Tensor Hidden(Tensor ids, DecoderInput input = default, KvCache? cache = null)
    {
        Tensor hidden = HiddenWithPrompt(ids, input, cache);
        return hidden.Size(1) == ids.Size(1) ? hidden : hidden.Slice(1, hidden.Size(1) - ids.Size(1));
    }

    /// <summary>The same where other vectors stand in place of some tokens', as those of images.</summary>
    /// <param name="ids">Token ids, I32 [B, T].</param>
    /// <param name="change">Puts them there: what enters the first block [B, T, C] → [B, T, C].</param>
    /// <param name="input">Positions and padding.</param>
    /// <param name="cache">Keys and values of earlier positions; this call appends its own.</param>
    /// <returns>[B, T, C].</returns>
    /// <exception cref="CratonException">The model computes with a tuned prompt.</exception>
    public Tensor Hidden(Tensor ids, Func<Tensor, Tensor> change, DecoderInput input = default, KvCache? cache = null) => Prompt is null
        ? HiddenWithPrompt(ids, input, cache, change)
        : throw new CratonException("a model with a tuned prompt reads texts only; take the prompt off, or tune with LoRA instead");

    /// <summary>The same with the states of prompt vectors before those of a text that begins here.</summary>
    internal Tensor HiddenWithPrompt(Tensor ids, DecoderInput input, KvCache? cache, Func<Tensor, Tensor>? change = null)
    {
        int before = cache?.Length ?? 0;
        bool begins = before == 0; // later calls find the prompt in the cache
        int length = before + ids.Size(1) + (begins && Prompt is not null ? Prompt.Count : 0);
        if (length > Config.MaxPositionEmbeddings)
            throw new CratonException($"{length} tokens are more than the model's context of {Config.MaxPositionEmbeddings}; shorten the text, or train a model with a longer context");
        CheckFiles();
        if (Prompt is not null) (ids, input) = Prompt.Precede(ids, input, begins);
        var pass = new DecoderPass(ids, input, cache, begins ? Prompt?.Prefix : null);
        Tensor x = begins && Prompt is not null ? Prompt.Embed(ids, pass) : Embed(ids, pass);
        if (change is not null) x = change(x);
        x = Through(x, pass, CheckpointActivations && cache is null);
        cache?.Advance(length - before);
        return Finish(x);
    }

    /// <summary>Hidden states after the final norm of several texts at once; each text gets the bits it gets alone.</summary>
    /// <param name="ids">The texts' new tokens one text after the other, I32 [1, N]. With a tuned prompt every text begins with its virtual tokens: any ids.</param>
    /// <param name="batch">Which rows are whose, and where keys and values lie.</param>
    /// <returns>[1, N, C].</returns>
    public Tensor Hidden(Tensor ids, PagedBatch batch)
    {
        CheckFiles();
        var pass = new DecoderPass(batch, Prompt?.Prefix);
        return Finish(Through(Prompt?.Embed(ids, pass, batch.Positions) ?? Embed(ids, pass), pass, checkpoint: false));
    }

    private void CheckFiles()
    {
        foreach (SafetensorsMapping file in Mapped) file.CheckLength();
    }

    private Tensor Through(Tensor x, in DecoderPass pass, bool checkpoint)
    {
        for (int i = 0; i < Blocks.Count; i++) // an enumerator would be an object
            x = checkpoint ? Ops.Checkpoint(x, (Block: Blocks[i], pass), static (x, at) => at.Block.Forward(x, at.pass))
                : Tape.IsRecording ? Blocks[i].Forward(x, pass)
                : Alone(Blocks[i], x, pass);
        return x;
    }

    // Without a tape nothing of a block is needed but its result.
    private static Tensor Alone(DecoderBlock block, Tensor x, in DecoderPass pass)
    {
        using TensorScope scope = TensorScope.Open("block");
        Tensor y = scope.Keep(block.Forward(x, pass));
        x.Release();
        return y;
    }

    /// <summary>Scores of the next token: hidden states [.., C] → [.., V].</summary>
    public Tensor Logits(Tensor hidden) => Head.Logits(hidden);

    /// <summary>Scores of the next token at every position.</summary>
    /// <inheritdoc cref="Hidden(Tensor, DecoderInput, KvCache?)"/>
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
    /// <exception cref="ModelFileException">A mapped file of the model was cut.</exception>
    public void PackWeights()
    {
        CheckFiles();
        foreach (Linear linear in Modules().OfType<Linear>()) linear.Weight.Pack();
        Head.Pack();
    }

    /// <summary>What products and look-ups alone read: it can be packed.</summary>
    internal IEnumerable<Tensor> PackedWeights => Modules().OfType<Linear>().Select(linear => linear.Weight).Append(Tokens.Weight);

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
/// <param name="IsRounded">Whether its weights may differ from those of the model that the file was made of.</param>
public sealed record ModelSource(JsonObject Config, JsonObject? Generation, DType Type, bool HasPrefix, bool IsRounded = false);
