using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>
/// Codes of a level behind the first: what they add to a place that is read, and how the transformer's state at a place that is drawn, together with
/// the place's codes so far, becomes scores of the next (the depth transformer of D. Lee et al., "Autoregressive Image Generation using Residual
/// Quantization", 2022, which here needs no attention).
/// </summary>
internal sealed class DalleDetail : Module
{
    private readonly Embedding _read, _before;
    private readonly RmsNorm _norm, _final;
    private readonly GatedFeedForward _mlp;
    private readonly OutputHead _head;

    public DalleDetail(GptConfig config)
    {
        _read = Child("read", new Embedding(config.VocabSize, config.HiddenSize));
        _before = Child("before", new Embedding(config.VocabSize, config.HiddenSize));
        _norm = Child("norm", new RmsNorm(config.HiddenSize, config.RmsNormEps));
        _mlp = Child("layers.mlp", new GatedFeedForward(config.HiddenSize, config.IntermediateSize, config.Activation));
        _final = Child("final_norm", new RmsNorm(config.HiddenSize, config.RmsNormEps));
        _head = new(Child("head", new Linear(config.HiddenSize, config.VocabSize, bias: false)));
    }

    /// <summary>What codes [B, T] of this level add to what enters the transformer.</summary>
    public Tensor Read(Tensor ids) => _read.Forward(ids);

    /// <summary>The state [.., C] of the level before and its codes [..] → the state of this level.</summary>
    public Tensor Forward(Tensor state, Tensor before)
    {
        Tensor x = state + _before.Forward(before);
        return _mlp.Forward(_norm.Forward(x), residual: x);
    }

    /// <summary>Scores of this level's codes.</summary>
    public Tensor Logits(Tensor state) => _head.Logits(_final.Forward(state));

    /// <summary>Cross-entropy, in nats, of codes [N] of this level: its states [N, C].</summary>
    public Tensor Loss(Tensor state, Tensor targets, CrossEntropyOptions options) => _head.Loss(_final.Forward(state), targets, options);
}
