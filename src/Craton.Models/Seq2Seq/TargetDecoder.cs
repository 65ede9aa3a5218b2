using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Seq2Seq;

// B batch, S places of the source, T of the answer, C hidden size, V vocabulary.

/// <summary>A decoder that answers a source: a text, or an image. The same forward pass trains, scores and, with a cache, decodes.</summary>
public abstract class TargetDecoder : Module
{
    private const int Ignored = -100;

    /// <summary>Ids with which answers begin and end, and that fill free places.</summary>
    public abstract TargetIds Ids { get; }

    /// <summary>Number of token ids.</summary>
    public abstract int Vocabulary { get; }

    /// <summary>Most tokens of an answer.</summary>
    public abstract int Longest { get; }

    /// <summary>The blocks of the decoder.</summary>
    protected internal abstract IReadOnlyList<TargetBlock> Blocks { get; }

    /// <summary>Begins a call of the decoder.</summary>
    protected internal virtual TargetPass Begin(int tokens, SourceMemory source, Tensor? padding, KvCache? cache) => new(tokens, source, padding, cache);

    /// <summary>The input of the decoder's first block: ids [B, T] → [B, T, C].</summary>
    protected internal abstract Tensor Embed(Tensor ids, TargetPass pass);

    /// <summary>What follows the decoder's last block.</summary>
    protected internal virtual Tensor Finish(Tensor x) => x;

    /// <summary>Scores of tokens: [.., C] → [.., V].</summary>
    public abstract Tensor Logits(Tensor hidden);

    /// <summary>Mean cross-entropy, in nats, of targets [N]: hidden states [N, C].</summary>
    private protected abstract Tensor Loss(Tensor hidden, Tensor targets);

    /// <summary>What answers are made from.</summary>
    /// <param name="hidden">The vectors of the source, [B, S, width of the source].</param>
    /// <param name="padding">Which places hold something, Bool [B, S]; all when null.</param>
    public SourceMemory Remember(Tensor hidden, Tensor? padding = null) => SourceMemory.Of(hidden, padding, Blocks);

    /// <summary>The decoder's vectors.</summary>
    /// <param name="ids">Tokens of the answers, I32 [B, T].</param>
    /// <param name="source">What is answered.</param>
    /// <param name="padding">Which places hold a token, Bool [B, T]; all when null.</param>
    /// <param name="cache">Keys and values of earlier tokens; this call appends its own.</param>
    /// <returns>[B, T, C].</returns>
    public Tensor Hidden(Tensor ids, SourceMemory source, Tensor? padding = null, KvCache? cache = null)
    {
        TargetPass pass = Begin(ids.Size(1), source, padding, cache);
        if (pass.Past + pass.Tokens > Longest)
            throw new CratonException($"{pass.Past + pass.Tokens} tokens are more than the model's {Longest} positions; shorten the answer");
        Tensor x = Embed(ids, pass);
        foreach (TargetBlock block in Blocks) x = block.Forward(x, pass);
        cache?.Advance(ids.Size(1));
        return Finish(x);
    }

    /// <summary>Mean cross-entropy, in nats, of the token that each place of an answer names.</summary>
    /// <param name="source">What is answered.</param>
    /// <param name="ids">What the decoder reads, I32 [B, T].</param>
    /// <param name="targets">The tokens that follow, I32 [B, T]; −100 where none is asked for.</param>
    public Tensor Loss(SourceMemory source, Tensor ids, Tensor targets)
    {
        Tensor hidden = Hidden(ids, source);
        return Loss(hidden.View(-1, hidden.Size(-1)), Ops.Contiguous(targets).View(-1));
    }

    /// <summary>What the decoder reads to say the labels: they, one place later, behind the id that begins answers.</summary>
    public virtual Tensor Shift(Tensor labels)
    {
        (int rows, int length) = (labels.Size(0), labels.Size(1));
        int[] all = labels.ToArray<int>(), shifted = new int[all.Length];
        for (int i = 0; i < all.Length; i++) shifted[i] = i % length == 0 ? Ids.Start : Filled(all[i - 1]);
        return Tensor.From(shifted, rows, length);
    }

    /// <summary>An empty cache of the decoder.</summary>
    /// <param name="batch">Number of answers.</param>
    /// <param name="capacity">Most tokens.</param>
    public KvCache NewCache(int batch, int capacity) => new(Blocks.Count, batch, capacity, DecoderHeads, DecoderHeadDim);

    /// <summary>Heads of the decoder.</summary>
    private protected abstract int DecoderHeads { get; }

    /// <summary>Width of one of them.</summary>
    private protected abstract int DecoderHeadDim { get; }

    /// <summary>A label as the decoder reads it.</summary>
    private protected int Filled(int label) => label == Ignored ? Ids.Pad : label;
}

/// <summary>Ids that have a meaning for a model that answers.</summary>
/// <param name="Start">Stands before every answer.</param>
/// <param name="End">Ends one; null for a model that never ends by itself.</param>
/// <param name="Pad">Fills free places.</param>
public sealed record TargetIds(int Start, int? End, int Pad)
{
    internal TargetIds(ConfigReader read, int startOtherwise) : this(read.Id("decoder_start_token_id") ?? startOtherwise, read.Id("eos_token_id"), read.Id("pad_token_id") ?? 0) { }
}
