using System.Text.Json;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Models.Gguf;

/// <summary>Opens models that lie in one GGUF file.</summary>
public static class GgufModel
{
    /// <summary>Reads a model. Matrices in Q8_0, Q4_0, Q4_K, Q5_K and Q6_K stay in their blocks and compute with them; others become floats.</summary>
    /// <param name="path">The file.</param>
    /// <param name="keepBlocks">False: everything becomes floats, to train or to compare with.</param>
    /// <exception cref="CratonException">The file is damaged, or its family is not supported.</exception>
    public static Gpt Load(string path, bool keepBlocks = true)
    {
        using var weights = new GgufWeights(path);
        CheckSizes(weights);
        var model = new Gpt(GptConfig.Parse(path, JsonElement.Parse(weights.Config.ToJsonString())));
        weights.Fill(model, keepBlocks);
        return model;
    }

    // Before modules are made: a count in the metadata must not ask for more of them than the file has tensors.
    private static void CheckSizes(GgufWeights weights)
    {
        long layers = (long?)weights.Config["num_hidden_layers"] ?? 0;
        if (layers > weights.Tensors.Count)
            throw new CratonException($"{weights.Path}: block_count is {layers}, but there are only {weights.Tensors.Count} tensors; the file is damaged");
    }
}
