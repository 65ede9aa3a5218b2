using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Models.Vision;

/// <summary>What <see cref="MnistClassifier"/> says of some pictures.</summary>
/// <param name="Logits">A score for each digit, [N, 10].</param>
/// <param name="Features">What the last layer sees, [N, 32]: distances between sets of pictures are measured there.</param>
public readonly record struct DigitReading(Tensor Logits, Tensor Features);

/// <summary>Reads handwritten digits: three convolutions and two linear layers, from one file of weights. It judges what generative models draw.</summary>
public sealed class MnistClassifier : Module
{
    /// <summary>Pixels along a side of its pictures.</summary>
    public const int Side = 28;

    /// <summary>Number of digits.</summary>
    public const int Digits = 10;

    /// <summary>Width of <see cref="DigitReading.Features"/>.</summary>
    public const int FeatureWidth = 32;

    private const int Filters = 24, Kernel = 3;
    private const double Mean = 0.1307, Deviation = 0.3081; // of the training pictures

    private readonly Conv2d[] _convolutions;
    private readonly BatchNorm _imageNorm, _digitNorm;
    private readonly Linear _features, _digits;

    private MnistClassifier()
    {
        _convolutions = [Child("conv1", new Conv2d(1, 8, Kernel)), Child("conv2", new Conv2d(8, 16, Kernel)), Child("conv3", new Conv2d(16, Filters, Kernel))];
        int side = Side - _convolutions.Length * (Kernel - 1);
        _imageNorm = Child("norm1", new BatchNorm(Filters));
        _features = Child("fc1", new Linear(Filters * side * side, FeatureWidth, bias: true));
        _digits = Child("fc2", new Linear(FeatureWidth, Digits, bias: true));
        _digitNorm = Child("norm2", new BatchNorm(Digits));
    }

    /// <summary>Reads the weights.</summary>
    /// <param name="path">A safetensors file with the names of PyTorch: <c>conv1.weight</c> to <c>norm2.running_var</c>.</param>
    /// <exception cref="CratonException">The file is damaged, or holds other weights.</exception>
    public static MnistClassifier Load(string path)
    {
        var model = new MnistClassifier();
        using SafetensorsFile file = SafetensorsFile.Open(path);
        foreach ((string name, Tensor tensor) in model.NamedParameters().Concat(model.NamedBuffers())) file.ReadInto(name, tensor);
        return model;
    }

    /// <summary>Reads pictures [N, 1, 28, 28] of 0 to 1.</summary>
    public DigitReading Read(Tensor pictures)
    {
        Tensor x = (pictures - Mean) / Deviation;
        foreach (Conv2d convolution in _convolutions) x = Ops.Relu(convolution.Forward(x));
        x = Ops.Reshape(_imageNorm.Forward(x, training: false), x.Size(0), -1);
        Tensor features = Ops.Relu(_features.Forward(x));
        return new(_digitNorm.Forward(_digits.Forward(features), training: false), features);
    }
}
