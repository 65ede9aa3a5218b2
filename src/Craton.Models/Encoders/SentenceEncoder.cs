using System.Text.Json;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tokenizers;

namespace Craton.Models.Encoders;

/// <summary>
/// Turns texts into vectors whose nearness is that of their meaning (Reimers, Gurevych 2019), as directories of sentence-transformers
/// describe it: a Transformer, pooling, and perhaps a linear layer and normalisation. A directory without <c>modules.json</c> gets pooling
/// by the mean. A text gives the same bits alone and among others.
/// </summary>
public sealed class SentenceEncoder
{
    // Texts that go through the layers together: enough for full speed, little enough for the caches.
    private const int TokensAtOnce = 2048;

    private readonly SentenceModule[] _modules;

    private SentenceEncoder(EncoderModel model, Tokenizer tokenizer, SentenceModule[] modules, int maxTokens)
    {
        (Model, Tokenizer, _modules, MaxTokens) = (model, tokenizer, modules, maxTokens);
        Width = modules.Aggregate(model.Config.HiddenSize, (width, module) => module.WidthAfter(width));
    }

    /// <summary>The Transformer.</summary>
    public EncoderModel Model { get; }

    /// <summary>Its tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>Number of values of a vector.</summary>
    public int Width { get; }

    /// <summary>Most tokens of a text, with those that frame it; longer ones are cut.</summary>
    public int MaxTokens { get; }

    /// <summary>Whether texts are turned to lower case before they are cut into tokens.</summary>
    public bool LowerCase { get; private init; }

    /// <summary>What is put before every text.</summary>
    public string Prompt { get; private init; } = "";

    /// <summary>Reads a directory.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, or a step is of a kind that is not known.</exception>
    public static SentenceEncoder Load(string directory)
    {
        string file = Path.Combine(directory, "modules.json");
        (string Type, string Folder)[] steps = File.Exists(file) ? Steps(directory, file, JsonFile.ReadList(file)) : [("Transformer", directory)];
        if (steps[0].Type != "Transformer") throw new CratonException($"{file}: expected a Transformer as the first module, got '{steps[0].Type}'");
        EncoderModel model = EncoderDirectory.Load(steps[0].Folder);
        SentenceModule[] modules = steps.Length == 1 ? [new PoolingModule()] : [.. steps[1..].Select(step => ReadModule(file, step.Type, step.Folder))];
        if (modules[0] is not PoolingModule || modules[1..].Any(module => module is PoolingModule))
            throw new CratonException($"{file}: expected one Pooling, right behind the Transformer");
        ConfigReader settings = Optional(Path.Combine(steps[0].Folder, "sentence_bert_config.json"));
        int longest = model.Config.Longest, most = settings.IntOr(longest, "max_seq_length");
        if (most < 1) throw new CratonException($"{settings.File}: max_seq_length is {most}, expected at least 1");
        return new SentenceEncoder(model, ModelDirectory.LoadTokenizer(steps[0].Folder), modules, Math.Min(most, longest))
        {
            LowerCase = settings.Flag("do_lower_case"),
            Prompt = PromptOf(directory, (PoolingModule)modules[0]),
        };
    }

    /// <summary>Keeps the weights in the order in which inference reads them: quicker, and no longer for training or saving.</summary>
    public void PackWeights() => Model.Encoder.PackWeights();

    /// <summary>The vectors of texts, [texts, Width]. Recorded when a tape runs.</summary>
    public Tensor Forward(in EncoderInput input)
    {
        Tensor x = Model.Hidden(input);
        foreach (SentenceModule module in _modules) x = module.Forward(x, input);
        return x;
    }

    /// <summary>The vectors of texts.</summary>
    /// <exception cref="CratonException">The directory has no tokenizer.</exception>
    public float[][] Encode(IReadOnlyList<string> texts) => Encode([.. texts.Select(Tokenize)]);

    /// <summary>The ids of a text: as the model was trained, with the tokens that frame it, cut to <see cref="MaxTokens"/>. What is spelt like a special token is one.</summary>
    public int[] Tokenize(string text)
    {
        text = Prompt + text;
        var options = new EncodeOptions { AllowSpecial = true, Truncation = new Truncation(MaxTokens) };
        return [.. Tokenizer.EncodeText(LowerCase ? text.ToLowerInvariant() : text, null, options).Ids];
    }

    /// <summary>The vectors of texts that are given as token ids, with the tokens that frame them.</summary>
    public float[][] Encode(IReadOnlyList<int[]> texts)
    {
        float[][] vectors = new float[texts.Count][];
        for (int first = 0, end; first < texts.Count; first = end)
        {
            int tokens = texts[first].Length;
            for (end = first + 1; end < texts.Count && tokens + texts[end].Length <= TokensAtOnce; end++) tokens += texts[end].Length;
            using var scope = TensorScope.Open("sentences");
            ReadOnlySpan<float> all = Forward(EncoderInput.Pack([.. texts.Skip(first).Take(end - first)])).AsSpan<float>();
            for (int i = first; i < end; i++) vectors[i] = all.Slice((i - first) * Width, Width).ToArray();
        }
        return vectors;
    }

    // Directories may name a text that stands before every other. Pooling that leaves it out would need to know its tokens.
    private static string PromptOf(string directory, PoolingModule pooling)
    {
        ConfigReader read = Optional(Path.Combine(directory, "config_sentence_transformers.json"));
        string name = read.TextOr("", "default_prompt_name"), prompt = name.Length > 0 ? read.Object("prompts")?.TextOr("", name) ?? "" : "";
        read.Refuse(prompt.Length > 0 && !pooling.WithPrompt, "default_prompt_name", "the pooling leaves the prompt out");
        return prompt;
    }

    /// <summary>The steps that a list of modules names, with the folders that hold their settings.</summary>
    internal static (string Type, string Folder)[] Steps(string directory, string file, JsonElement[] entries)
    {
        if (entries.Length is 0 or > 16) throw new CratonException($"{file}: expected 1 to 16 modules, got {entries.Length}");
        string root = Path.GetFullPath(directory);
        return [.. entries.Select(entry =>
        {
            var read = new ConfigReader(file, entry);
            string type = read.TextOr("", "type"), path = read.TextOr("", "path"), folder = Path.GetFullPath(Path.Combine(root, path));
            if (folder != root && !folder.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal))
                throw new CratonException($"{file}: the module path '{path}' leaves the model's directory");
            return (type[(type.LastIndexOf('.') + 1)..], folder);
        })];
    }

    private static SentenceModule ReadModule(string file, string type, string folder) => type switch
    {
        "Pooling" => new PoolingModule(Settings(folder, "config.json")),
        "Dense" => new DenseModule(Settings(folder, "config.json"), folder),
        "Normalize" => new NormalizeModule(),
        _ => throw new CratonException($"{file}: a module is of type '{type}', expected Transformer, Pooling, Dense or Normalize"),
    };

    private static ConfigReader Settings(string folder, string name) => new(Path.Combine(folder, name), JsonFile.Read(Path.Combine(folder, name)));

    private static ConfigReader Optional(string file) => new(file, File.Exists(file) ? JsonFile.Read(file) : JsonElement.Parse("{}"));
}
