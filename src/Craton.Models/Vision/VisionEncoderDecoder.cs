using Craton.Models.Seq2Seq;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Vision;

/// <summary>An encoder of images and a decoder of texts that were trained apart and joined (Rothe et al. 2020 did so with texts).</summary>
public sealed class VisionEncoderDecoder : ImageCaptioner
{
    private readonly Gpt2Target _decoder;
    private readonly bool _isTied;
    private readonly Linear? _bridge;

    private VisionEncoderDecoder(ImageEncoder vision, Gpt2Config config, TargetIds ids)
    {
        _isTied = config.TieWordEmbeddings;
        Vision = Child("encoder", vision);
        _decoder = Child("decoder", new Gpt2Target(config, ids));
        if (vision.Config.Width != config.HiddenSize) _bridge = Child("enc_to_dec_proj", new Linear(vision.Config.Width, config.HiddenSize, bias: true));
    }

    /// <summary>The encoder of images.</summary>
    public ImageEncoder Vision { get; }

    /// <inheritdoc/>
    public override TargetDecoder Decoder => _decoder;

    /// <summary>The model that a <c>config.json</c> describes.</summary>
    /// <param name="read">The configuration.</param>
    /// <param name="pooler">Whether the checkpoint holds the encoder's pooler, which is not used.</param>
    public static VisionEncoderDecoder Create(ConfigReader read, bool pooler)
    {
        ConfigReader vision = read.Part("encoder"), text = read.Part("decoder");
        ImageEncoder encoder = vision.ModelType switch
        {
            "vit" or "deit" => new Vit(new VitConfig(vision), pooler),
            "dinov2" => new Dinov2(new Dinov2Config(vision)),
            var other => throw new CratonException($"{read.File}: encoder.model_type is '{other}', expected vit, deit or dinov2"),
        };
        if (text.ModelType != "gpt2") throw new CratonException($"{read.File}: decoder.model_type is '{text.ModelType}', expected gpt2");
        read.Refuse(!text.Flag("add_cross_attention"), "decoder.add_cross_attention", "a decoder that does not look at the image cannot describe it");
        read.Refuse(text.Has("cross_attention_hidden_size"), "decoder.cross_attention_hidden_size", "the decoder looks at vectors of its own width");
        var config = new Gpt2Config(text);
        config.Validate(read.File);
        ForeignSettings.Refuse(text);
        var ids = new TargetIds(
            read.Id("decoder_start_token_id") ?? text.Id("bos_token_id") ?? 0, read.Id("eos_token_id") ?? config.EosTokenId, read.Id("pad_token_id") ?? config.PadTokenId ?? 0);
        return new VisionEncoderDecoder(encoder, config, ids);
    }

    /// <inheritdoc/>
    public override SourceMemory Look(Tensor pixels)
    {
        Tensor seen = Vision.Hidden(pixels);
        return Decoder.Remember(_bridge?.Forward(seen) ?? seen);
    }

    /// <summary>Mean cross-entropy, in nats, of captions that are given.</summary>
    /// <param name="pixels">Prepared images [N, channels, H, W].</param>
    /// <param name="labels">Tokens of the captions, I32 [N, T]; −100 where none is asked for.</param>
    public Tensor Loss(Tensor pixels, Tensor labels) => Decoder.Loss(Look(pixels), Decoder.Shift(labels), labels);

    /// <inheritdoc/>
    protected internal override bool IsStoredTransposed(string name) => name.StartsWith("decoder.", StringComparison.Ordinal) && Gpt2.IsTransposed(name);

    /// <inheritdoc/>
    protected internal override bool IsCopy(string name) => name.StartsWith("decoder.", StringComparison.Ordinal)
        && ((_isTied && name == "decoder.lm_head.weight") || DecoderWeights.IsBuffer(name)
            || name.EndsWith(".crossattention.bias", StringComparison.Ordinal) || name.EndsWith(".crossattention.masked_bias", StringComparison.Ordinal));
}
