using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>A layer of two streams, of a text and of an image, that meet in its attention.</summary>
internal sealed class TwoStreamBlock : Module
{
    private readonly JointSettings _settings;
    private readonly ModulationLayer _modulation, _textModulation;
    private readonly JointAttention _attention;
    private readonly JointAttention? _second;
    private readonly FeedForward _feedForward;
    private readonly FeedForward? _textFeedForward;

    /// <summary>Creates the layer.</summary>
    /// <param name="settings">Its attention; the last layer of a network does not answer the text.</param>
    /// <param name="second">Whether the image has a second attention of its own beside.</param>
    public TwoStreamBlock(JointSettings settings, bool second = false)
    {
        _settings = settings;
        int width = settings.Width;
        _modulation = Child("norm1", new ModulationLayer(width, second ? 9 : 6));
        _textModulation = Child("norm1_context", new ModulationLayer(width, settings.AnswersText ? 6 : 2));
        _attention = Child("attn", new JointAttention(settings));
        if (second) _second = Child("attn2", new JointAttention(new JointSettings(width, settings.Heads, settings.Normalised)));
        _feedForward = Child("ff", PatchFeedForward.Create(width));
        if (settings.AnswersText) _textFeedForward = Child("ff_context", PatchFeedForward.Create(width));
    }

    /// <summary>Both streams behind the layer; the text is null behind the last one.</summary>
    public (Tensor Image, Tensor? Text) Forward(Tensor image, Tensor text, Tensor told, Func<Tensor, Tensor>? turn = null)
    {
        Tensor[] parts = _modulation.Forward(told);
        Tensor normed = Modulation.Norm(image, parts[0], parts[1]);
        Tensor[]? textParts = _settings.AnswersText ? _textModulation.Forward(told) : null;
        Tensor normedText = textParts is null ? _textModulation.Last(text, told) : Modulation.Norm(text, textParts[0], textParts[1]);
        (Tensor ofImage, Tensor? ofText) = _attention.Forward(normed, normedText, turn);
        Tensor next = image + ofImage * parts[2];
        if (_second is not null) next += _second.Forward(Modulation.Norm(image, parts[6], parts[7])).Image * parts[8];
        next += _feedForward.Forward(Modulation.Norm(next, parts[3], parts[4])) * parts[5];
        if (textParts is null) return (next, null);
        text += ofText! * textParts[2];
        return (next, text + _textFeedForward!.Forward(Modulation.Norm(text, textParts[3], textParts[4])) * textParts[5]);
    }
}
