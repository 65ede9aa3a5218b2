using System.Text.Json;
using Craton.Models.Generation;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tokenizers;

namespace Craton.Models.Gguf;

/// <summary>Opens models that lie in one GGUF file.</summary>
public static class GgufModel
{
    /// <summary>Reads a model. Matrices in Q8_0, Q4_0, Q4_K, Q5_K and Q6_K stay in their blocks and compute with them; others become floats.</summary>
    /// <param name="path">The file.</param>
    /// <param name="keepBlocks">False: everything becomes floats, to train or to compare with.</param>
    /// <exception cref="CratonException">The file is damaged, or its family is not supported.</exception>
    public static CausalLanguageModel Load(string path, bool keepBlocks = true)
    {
        using var weights = new GgufWeights(path);
        CheckSizes(weights);
        JsonElement config = JsonElement.Parse(weights.Config.ToJsonString());
        CausalLanguageModel model = DecoderCatalogue.Create(new ConfigReader(path, config));
        weights.Fill(model, keepBlocks);
        model.Source = new ModelSource(weights.Config, null, DType.F32, HasPrefix: true, IsRounded: true);
        return model;
    }

    /// <summary>Reads a model with its vocabulary and chat template.</summary>
    /// <exception cref="CratonException">The file is damaged, or its family or vocabulary is not supported.</exception>
    public static TextModel LoadText(string path)
    {
        CausalLanguageModel model = Load(path);
        using GgufFile file = GgufFile.Open(path);
        Tokenizer tokenizer = LoadTokenizer(file);
        ChatTemplate? template = tokenizer.ChatTemplate is { } source ? ChatTemplate.TryParse(source, tokenizer) : null;
        SortedSet<int> ends = [];
        foreach (string role in new[] { "eos", "eot", "eom" })
            if (file.Find($"tokenizer.ggml.{role}_token_id")?.AsInteger() is { } id and >= 0 and <= int.MaxValue) ends.Add((int)id);
        if (template?.EndOfTurn is { } endOfTurn) ends.Add(endOfTurn);
        return new TextModel(model, tokenizer, template, new SamplingOptions(), ends);
    }

    // A vocabulary of an unknown kind is a problem for those who give text.
    private static Tokenizer LoadTokenizer(GgufFile file)
    {
        try
        {
            return file.Find("tokenizer.ggml.model")?.Content is null or "no_vocab" ? new MissingTokenizer(file.Path) : GgufTokenizer.Load(file);
        }
        catch (CratonException e) when (e.InnerException is TokenizerException || e.Message.Contains("supported yet", StringComparison.Ordinal))
        {
            return new MissingTokenizer(file.Path, e.Message);
        }
    }

    // Before modules are made: a count in the metadata must not ask for more of them than the file has tensors.
    private static void CheckSizes(GgufWeights weights)
    {
        long layers = (long?)weights.Config["num_hidden_layers"] ?? 0;
        if (layers > weights.Tensors.Count)
            throw new CratonException($"{weights.Path}: block_count is {layers}, but there are only {weights.Tensors.Count} tensors; the file is damaged");
    }
}
