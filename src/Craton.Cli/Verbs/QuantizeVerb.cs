using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Craton.Models.Gguf;
using Craton.Tensors;
using Craton.Tensors.Quantization;

namespace Craton.Cli.Verbs;

/// <summary><c>craton quantize IN OUT --type Q4_K</c>: a model with its matrices in fewer bits, as a GGUF file.</summary>
internal sealed class QuantizeVerb : Verb
{
    private readonly Argument<string> _in = new("IN") { Description = "A model directory or a GGUF file" };
    private readonly Argument<string> _out = new("OUT") { Description = "The GGUF file to write" };
    private readonly Option<string> _type = new("--type", "-t") { Description = "Q8_0, Q6_K, Q5_K, Q4_K, Q4_0, BF16, F16 or F32", DefaultValueFactory = _ => nameof(BlockType.Q8_0) };

    public override Command Build()
    {
        var command = new Command("quantize", "Write a model with its matrices in fewer bits, as a GGUF file") { _in, _out, _type };
        OnRun(command, (parsed, output) => Run(parsed.GetValue(_in)!, parsed.GetValue(_out)!, TypeOf(parsed.GetValue(_type)!), output));
        return command;
    }

    /// <summary>Writes the file and says how large it became.</summary>
    public static int Run(string source, string path, BlockType type, Output output)
    {
        if (Path.GetFullPath(source) == Path.GetFullPath(path)) throw new CratonException($"'{path}' is the model itself; give another name for the file to write");
        long before = File.Exists(source) ? new FileInfo(source).Length : Directory.Exists(source) ? Directory.GetFiles(source, "*.safetensors").Sum(f => new FileInfo(f).Length) : 0;
        long bytes = ModelExport.ToGguf(source, path, type);
        output.Result(new JsonObject { ["file"] = path, ["type"] = type.ToString(), ["bytes"] = bytes, ["bytes_before"] = before });
        output.Info(string.Create(CultureInfo.InvariantCulture, $"{path}: {bytes / 1e6:F1} MB of {type}, from {before / 1e6:F1} MB"));
        return 0;
    }

    /// <summary>The type of a name, as people write it; <c>Q4_K_M</c> and <c>Q4_K_S</c> mean <c>Q4_K</c>.</summary>
    public static BlockType TypeOf(string name)
    {
        string plain = name.EndsWith("_K_M", StringComparison.OrdinalIgnoreCase) || name.EndsWith("_K_S", StringComparison.OrdinalIgnoreCase) ? name[..^2] : name;
        return BlockTypes.Find(plain) is { } type && Blocks.CanQuantize(type) ? type
            : throw new CratonException($"--type: expected F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K or Q6_K, got '{name}'");
    }
}
