using Craton.Models.Adapters;
using Craton.Models.Generation;
using Craton.Models.Gguf;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tokenizers;

namespace Craton.Models;

/// <summary>A language model with its tokenizer and, when it was tuned to converse, its chat template.</summary>
/// <param name="Model">The model.</param>
/// <param name="Tokenizer">Its tokenizer.</param>
/// <param name="Template">Its chat template; null when it has none, or one that is not supported.</param>
/// <param name="Defaults">How tokens are chosen unless the caller says otherwise.</param>
/// <param name="Ends">Ids that end a text or a turn.</param>
public sealed record TextModel(CausalLanguageModel Model, Tokenizer Tokenizer, ChatTemplate? Template, SamplingOptions Defaults, IReadOnlyCollection<int> Ends)
{
    /// <summary>Reads a model directory or a GGUF file.</summary>
    /// <param name="directory">The directory, or the file.</param>
    /// <param name="map">True: weights stay in the file where their type allows it (<see cref="ModelDirectory.LoadModel"/>).</param>
    /// <exception cref="CratonException">It is neither, or something in it is damaged.</exception>
    public static TextModel Load(string directory, bool map = false)
    {
        if (GgufFile.IsGguf(directory)) return GgufModel.LoadText(directory);
        CausalLanguageModel model = ModelDirectory.LoadModel(directory, map);
        Tokenizer tokenizer = ModelDirectory.LoadTokenizer(directory);
        CheckSizes(directory, tokenizer, model);
        ChatTemplate? template = tokenizer.ChatTemplate is { } source ? ChatTemplate.TryParse(source, tokenizer) : null;
        GenerationConfig generation = GenerationConfig.Load(directory);
        SortedSet<int> ends = [.. generation.Ends];
        if (model.Config.EosTokenId is { } end) ends.Add(end);
        if (template?.EndOfTurn is { } endOfTurn) ends.Add(endOfTurn);
        return new TextModel(model, tokenizer, template, generation.Sampling, ends);
    }

    /// <summary>
    /// Reads a model directory to generate and score, not to train: its weights are kept in the order in which products read them. On the way they
    /// are read from the mapped file, so that no weight in F32 is in memory twice; tables and norms stay there.
    /// </summary>
    /// <param name="directory">The directory, or a GGUF file.</param>
    /// <param name="adapter">Directory of an adapter that it computes with, or null.</param>
    /// <inheritdoc cref="Load" path="/exception"/>
    public static TextModel LoadForInference(string directory, string? adapter = null)
    {
        TextModel model = Load(directory, map: true);
        if (adapter is not null) (model, _) = model.WithAdapter(adapter);
        model.Model.PackWeights();
        return model;
    }

    /// <summary>Attaches an adapter to the model. A tokenizer in the adapter's directory counts for both, with its chat template.</summary>
    /// <param name="directory">The adapter's directory.</param>
    /// <returns>The text model as it is now, and the adapter.</returns>
    /// <exception cref="CratonException">The adapter is damaged or of an unsupported kind, or belongs to another model.</exception>
    public (TextModel Model, PeftAdapter Adapter) WithAdapter(string directory)
    {
        PeftAdapter adapter = AdapterDirectory.Load(directory, Model);
        AdapterDirectory.CheckBase(directory, Model);
        adapter.Attach();
        if (MissingTokenizer.In(directory)) return (this, adapter);
        Tokenizer tokenizer = ModelDirectory.ReadTokenizer(directory);
        CheckSizes(directory, tokenizer, Model);
        ChatTemplate? template = tokenizer.ChatTemplate is { } source ? ChatTemplate.TryParse(source, tokenizer) : null;
        int[] ends = template?.EndOfTurn is { } end ? [.. Ends, end] : [.. Ends];
        return (this with { Tokenizer = tokenizer, Template = template, Ends = ends }, adapter);
    }

    /// <summary>The chat template, for work that needs one.</summary>
    /// <param name="directory">The model's directory, for the error.</param>
    /// <exception cref="CratonException">There is none, or it is not supported.</exception>
    public ChatTemplate NeedTemplate(string directory) => Tokenizer.ChatTemplate is { } source
        ? ChatTemplate.Parse(source, Tokenizer)
        : throw new CratonException($"'{directory}' has no chat template: it was not tuned to converse; use 'craton generate', or tune it with a recipe of kind sft");

    private static void CheckSizes(string directory, Tokenizer tokenizer, CausalLanguageModel model)
    {
        if (tokenizer.VocabularySize > model.Config.VocabSize)
            throw new CratonException($"{directory}: the tokenizer has {tokenizer.VocabularySize} ids, but the model's embedding table only {model.Config.VocabSize} rows; they do not belong together");
    }
}
