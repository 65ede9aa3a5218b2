using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>
/// An autoencoder whose codes are vectors of a codebook (<c>VQModel</c>). A. van den Oord et al., "Neural Discrete Representation Learning", 2017;
/// P. Esser et al., "Taming Transformers for High-Resolution Image Synthesis", 2021.
/// </summary>
public sealed class VqModel : Module
{
    private const int MostVectors = 1 << 24;

    private readonly AutoencoderHalf _encoder, _decoder;
    private readonly Conv2d _toCode, _fromCode;
    private readonly Embedding _codebook;
    private EncoderSource? _source;

    /// <summary>Creates the network that a configuration describes, with zeroed weights.</summary>
    /// <exception cref="CratonException">A setting is out of range or not supported.</exception>
    public VqModel(ConfigReader read)
    {
        var config = new AutoencoderConfig(read);
        int latent = config.LatentChannels, width = read.Count("vq_embed_dim", latent, MostVectors);
        read.Refuse(read.TextOr("group", "norm_type") != "group", "norm_type", "only normalisation over groups is built");
        read.Refuse(read.Flag("lookup_from_codebook"), "lookup_from_codebook", "codes are images here, not numbers");
        _encoder = Child("encoder", new AutoencoderHalf(config, decodes: false, config.InChannels, latent));
        _decoder = Child("decoder", new AutoencoderHalf(config, decodes: true, latent, config.OutChannels));
        _toCode = Child("quant_conv", new Conv2d(latent, width, 1));
        _codebook = Child("quantize.embedding", new Embedding(read.Count("num_vq_embeddings", 256, MostVectors), width));
        _fromCode = Child("post_quant_conv", new Conv2d(width, latent, 1));
    }

    /// <summary>Images [N, C, H, W] → codes that are not quantised yet, [N, width, h, w].</summary>
    public Tensor Encode(Tensor images) => _toCode.Forward(_encoder.Forward(images));

    /// <summary>The nearest vectors of the codebook at each place of codes, with losses.</summary>
    /// <param name="codes">[N, width, h, w].</param>
    /// <returns>The vectors in the shape of the codes; their numbers in order of image, row and column.</returns>
    public QuantizedVectors Quantize(Tensor codes)
    {
        (int batch, int width, int rows, int columns) = (codes.Size(0), codes.Size(1), codes.Size(2), codes.Size(3));
        Tensor flat = codes.Permute(0, 2, 3, 1).Contiguous().View(batch * rows * columns, width);
        QuantizedVectors found = Ops.VectorQuantize(flat, _codebook.Weight);
        return found with { Quantized = found.Quantized.View(batch, rows, columns, width).Permute(0, 3, 1, 2).Contiguous() };
    }

    /// <summary>Quantised codes → images.</summary>
    public Tensor Decode(Tensor codes) => _decoder.Forward(_fromCode.Forward(codes));

    /// <summary>Reads a network from its folder; weights in BF16 or F16 are widened.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, or the weights do not fit the configuration.</exception>
    public static VqModel Load(string directory)
    {
        VqModel model = NetworkFolder.Load(directory, "VQModel", read => new VqModel(read), out EncoderSource source);
        model._source = source;
        return model;
    }

    /// <summary>Writes a network that was read from a folder: the configuration it had, and the weights as they are now, in F32.</summary>
    /// <exception cref="CratonException">The network was not read from a folder.</exception>
    public void Save(string directory) => NetworkFolder.Save(directory, this, _source);
}
