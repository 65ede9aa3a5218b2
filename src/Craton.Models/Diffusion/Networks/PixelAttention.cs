using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>Attention of every pixel to all pixels of its image.</summary>
internal sealed class PixelAttention : ImageAttention
{
    private readonly GroupNorm? _norm;
    private readonly Linear _query, _key, _value, _out;
    private readonly int _heads;
    private readonly double _divisor;

    /// <summary>Creates the layer.</summary>
    /// <param name="channels">Channels of the image.</param>
    /// <param name="headWidth">Width of a head; null for one head.</param>
    /// <param name="groups">Groups of the normalisation; null for none.</param>
    /// <param name="eps">Added to its variance.</param>
    /// <param name="divisor">Divides the sum with the input.</param>
    public PixelAttention(int channels, int? headWidth, int? groups, double eps, double divisor = 1)
    {
        int width = headWidth ?? channels;
        if (width < 1 || channels % width != 0) throw new CratonException($"attention_head_dim: expected a divisor of the {channels} channels, got {width}");
        (_heads, _divisor) = (channels / width, divisor);
        if (groups is { } count) _norm = Child("group_norm", new GroupNorm(count, channels, eps));
        _query = Child("to_q", new Linear(channels, channels, bias: true));
        _key = Child("to_k", new Linear(channels, channels, bias: true));
        _value = Child("to_v", new Linear(channels, channels, bias: true));
        _out = Child("to_out.0", new Linear(channels, channels, bias: true));
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, TextContext? context = null)
    {
        (int batch, int channels, int height, int width) = (x.Size(0), x.Size(1), x.Size(2), x.Size(3));
        Tensor pixels = (_norm?.Forward(x) ?? x).View(batch, channels, height * width).Permute(0, 2, 1).Contiguous();
        Tensor y = Ops.Attention(Split(_query.Forward(pixels)), Split(_key.Forward(pixels)), Split(_value.Forward(pixels)), new AttentionOptions());
        y = _out.Forward(y.Permute(0, 2, 1, 3).View(batch, height * width, channels)).Permute(0, 2, 1).Contiguous();
        Tensor sum = y.View(batch, channels, height, width) + x;
        return _divisor == 1 ? sum : sum / _divisor;
    }

    private Tensor Split(Tensor x) => x.View(x.Size(0), x.Size(1), _heads, x.Size(2) / _heads).Permute(0, 2, 1, 3);
}
