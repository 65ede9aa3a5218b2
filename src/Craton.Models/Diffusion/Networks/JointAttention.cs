using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>Which parts a <see cref="JointAttention"/> has.</summary>
/// <param name="Width">Width of both streams.</param>
/// <param name="Heads">Heads.</param>
/// <param name="Normalised">Whether queries and keys are normalised.</param>
internal sealed record JointSettings(int Width, int Heads, bool Normalised)
{
    /// <summary>Whether there is a stream of text with projections of its own.</summary>
    public bool HasText { get; init; }

    /// <summary>Whether what the text saw is projected back into its stream.</summary>
    public bool AnswersText { get; init; }

    /// <summary>Whether what the image saw is projected back into its stream.</summary>
    public bool AnswersImage { get; init; } = true;

    /// <summary>Whether the text stands before the image.</summary>
    public bool TextFirst { get; init; }
}

/// <summary>
/// Attention in which the vectors of a text and those of an image see each other, each stream with projections of its own. P. Esser et al.,
/// "Scaling Rectified Flow Transformers for High-Resolution Image Synthesis", 2024.
/// </summary>
internal sealed class JointAttention : Module
{
    private const double Eps = 1e-6;

    private readonly JointSettings _settings;
    private readonly JointProjections _image;
    private readonly JointProjections? _text;
    private readonly Linear? _out, _textOut;

    public JointAttention(JointSettings settings)
    {
        _settings = settings;
        _image = Inline(new JointProjections(settings, ("to_q", "to_k", "to_v"), ("norm_q", "norm_k"), Eps));
        if (settings.HasText) _text = Inline(new JointProjections(settings, ("add_q_proj", "add_k_proj", "add_v_proj"), ("norm_added_q", "norm_added_k"), Eps));
        if (settings.AnswersImage) _out = Child("to_out.0", new Linear(settings.Width, settings.Width, bias: true));
        if (settings.AnswersText) _textOut = Child("to_add_out", new Linear(settings.Width, settings.Width, bias: true));
    }

    /// <summary>What both streams see of each other.</summary>
    /// <param name="image">[N, T, C].</param>
    /// <param name="text">[N, S, C], where there is such a stream.</param>
    /// <param name="turn">Applied to queries and keys [N, H, all, D], such as a rotation; none when null.</param>
    /// <returns>Of the image and of the text; the latter null where it is not asked for.</returns>
    public (Tensor Image, Tensor? Text) Forward(Tensor image, Tensor? text = null, Func<Tensor, Tensor>? turn = null)
    {
        (Tensor q, Tensor k, Tensor v) = _image.Forward(image);
        if (_text is not null)
        {
            (Tensor textQ, Tensor textK, Tensor textV) = _text.Forward(text!);
            (q, k, v) = (Both(q, textQ), Both(k, textK), Both(v, textV));
        }
        if (turn is not null) (q, k) = (turn(q), turn(k));
        Tensor seen = Ops.Attention(q, k, v, new AttentionOptions()).Permute(0, 2, 1, 3).Contiguous().View(q.Size(0), q.Size(2), _settings.Width);
        int count = image.Size(1), first = _text is not null && _settings.TextFirst ? text!.Size(1) : 0;
        Tensor ofImage = Ops.Slice(seen, 1, first, first + count);
        ofImage = _out?.Forward(ofImage.Contiguous()) ?? ofImage;
        if (_textOut is null) return (ofImage, null);
        Tensor ofText = _settings.TextFirst ? Ops.Slice(seen, 1, 0, first) : Ops.Slice(seen, 1, count);
        return (ofImage, _textOut.Forward(ofText.Contiguous()));
    }

    private Tensor Both(Tensor image, Tensor text) => _settings.TextFirst ? Ops.Concat(2, text, image) : Ops.Concat(2, image, text);
}

/// <summary>The projections of one stream.</summary>
internal sealed class JointProjections : Module
{
    private readonly int _heads;
    private readonly Linear _query, _key, _value;
    private readonly RmsNorm? _queryNorm, _keyNorm;

    public JointProjections(JointSettings settings, (string Query, string Key, string Value) names, (string Query, string Key) norms, double eps)
    {
        _heads = settings.Heads;
        _query = Child(names.Query, new Linear(settings.Width, settings.Width, bias: true));
        _key = Child(names.Key, new Linear(settings.Width, settings.Width, bias: true));
        _value = Child(names.Value, new Linear(settings.Width, settings.Width, bias: true));
        if (!settings.Normalised) return;
        _queryNorm = Child(norms.Query, new RmsNorm(settings.Width / settings.Heads, eps));
        _keyNorm = Child(norms.Key, new RmsNorm(settings.Width / settings.Heads, eps));
    }

    /// <summary>x [N, T, C] → queries, keys and values [N, H, T, D].</summary>
    public (Tensor Query, Tensor Key, Tensor Value) Forward(Tensor x) => (Split(_query.Forward(x), _queryNorm), Split(_key.Forward(x), _keyNorm), Split(_value.Forward(x), null));

    private Tensor Split(Tensor x, RmsNorm? norm)
    {
        Tensor heads = x.View(x.Size(0), x.Size(1), _heads, x.Size(2) / _heads);
        return (norm?.Forward(heads) ?? heads).Permute(0, 2, 1, 3);
    }
}
