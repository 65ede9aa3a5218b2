using Craton.Models.Diffusion.Discrete;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tokenizers;

namespace Craton.Models.Generative;

// B rows, T tokens, V ids of the tokenizer.

/// <summary>
/// A language model that denoises: tokens are masked, and a transformer in which every token sees all others says what they were. It writes by
/// unmasking a text in steps. S. Sahoo et al., "Simple and Effective Masked Diffusion Language Models", 2024; S. Nie et al., "Large Language
/// Diffusion Models", 2025. The blocks are those of <see cref="Gpt"/>, and nothing tells them the time: the masks do.
/// </summary>
public sealed class TextDiffusion : Module
{
    private readonly Gpt _transformer;

    /// <summary>Creates the model with zeroed weights.</summary>
    /// <param name="config">Shape of the transformer. It has one id more than the tokenizer: the mask, which is the last.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <exception cref="CratonException">They do not belong together.</exception>
    public TextDiffusion(GptConfig config, Tokenizer tokenizer)
    {
        if (config.VocabSize != tokenizer.VocabularySize + 1)
            throw new CratonException($"[text_diffusion] vocab_size: expected {tokenizer.VocabularySize + 1}, the ids of the tokenizer and the mask, got {config.VocabSize}");
        (Config, Tokenizer) = (config, tokenizer);
        _transformer = Child("transformer", new Gpt(config));
    }

    /// <summary>Shape of the transformer.</summary>
    public GptConfig Config { get; }

    /// <summary>Its tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>Id of the mask.</summary>
    public int Mask => Config.VocabSize - 1;

    /// <summary>First weights, normal.</summary>
    public TextDiffusion Initialize(ulong seed)
    {
        _transformer.Initialize(seed);
        return this;
    }

    /// <summary>Scores of what each token was.</summary>
    /// <param name="ids">Tokens, <see cref="Mask"/> where one is not known, I32 [B, T].</param>
    /// <param name="input">Positions and documents; default for one text per row.</param>
    /// <returns>[B, T, V]: no token can be the mask.</returns>
    public Tensor Scores(Tensor ids, DecoderInput input = default) => _transformer.Forward(ids, input with { BothWays = true }).Slice(2, 0, Mask);

    /// <summary>
    /// An estimate of what bounds −log p of the rows from above, in nats per token: some tokens are masked, and the model says what they were.
    /// Its mean over <paramref name="random"/> is the bound.
    /// </summary>
    /// <param name="ids">The tokens, I32 [B, T].</param>
    /// <param name="input">Positions and documents.</param>
    /// <param name="random">Decides what is masked.</param>
    public Tensor Loss(Tensor ids, DecoderInput input, CounterRandom random)
    {
        (bool[] masked, double[] shares) = MaskedCounts.Draw(ids.Size(0), ids.Size(1), random);
        Tensor shown = Ops.Copy(ids);
        Span<int> all = shown.AsSpan<int>();
        for (int i = 0; i < all.Length; i++)
            if (masked[i]) all[i] = Mask;
        return MaskedLoss.Sum(Scores(shown, input), ids, MaskedLoss.PerToken(masked, shares));
    }

    /// <summary>Writes tokens between others. They depend on these, the options and the seed alone.</summary>
    /// <param name="before">What stands before them.</param>
    /// <param name="length">How many to write.</param>
    /// <param name="after">What stands behind them.</param>
    /// <param name="options">How; there are no more steps than tokens.</param>
    /// <param name="seed">Seed of what is drawn.</param>
    /// <exception cref="CratonException">The text is longer than the model's context, an id is none of the tokenizer, or an option is out of range.</exception>
    public int[] Write(IReadOnlyList<int> before, int length, IReadOnlyList<int> after, UnmaskingOptions options, ulong seed)
    {
        foreach (int id in before.Concat(after))
            if (id < 0 || id >= Mask) throw new CratonException($"token id {id} is none of the model's: expected 0 to {Mask - 1}");
        var sampler = new UnmaskingSampler(Mask, options with { Steps = Math.Min(options.Steps, length) });
        return sampler.Run(before, length, Answer, uniform: Uniform, after: after).Last().Ids[before.Count..(before.Count + length)];

        float[] Answer(int[] text, int step)
        {
            using var scope = TensorScope.Open("unmasking");
            return Scores(Tensor.From(text, 1, text.Length)).ToArray<float>();
        }

        double Uniform(int step, int place, int id) => (new CounterRandom(seed, (uint)step, (uint)place).Bits(id + 1) + 0.5) / (1L << 32);
    }

    /// <summary>The text of tokens that it wrote, up to the end of the text where one is among them.</summary>
    public string TextOf(IEnumerable<int> ids) => Tokenizer.Decode([.. ids.TakeWhile(id => id != Tokenizer.EndOfText)]);
}
