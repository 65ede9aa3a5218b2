using Craton.Tensors;

namespace Craton.Models;

/// <summary>Every family of decoders that is opened from a directory: one row each.</summary>
public static class DecoderCatalogue
{
    private static readonly (string ModelType, string Architecture, Func<ConfigReader, CausalLanguageModel> Create)[] Families =
    [
        ("llama", "LlamaForCausalLM", read => new Gpt(new GptConfig(read))),
        ("mistral", "MistralForCausalLM", read => new Gpt(new GptConfig(read))),
        ("mixtral", "MixtralForCausalLM", read => new Gpt(new GptConfig(read))),
        ("qwen2", "Qwen2ForCausalLM", read => new Gpt(new GptConfig(read))),
        ("qwen3", "Qwen3ForCausalLM", read => new Gpt(new GptConfig(read))),
        ("qwen3_moe", "Qwen3MoeForCausalLM", read => new Gpt(new GptConfig(read))),
        ("smollm3", "SmolLM3ForCausalLM", read => new Gpt(new GptConfig(read))),
        ("bloom", "BloomForCausalLM", read => new Bloom(new BloomConfig(read))),
        ("falcon", "FalconForCausalLM", read => new Falcon(new FalconConfig(read))),
        ("gemma", "GemmaForCausalLM", read => new Gemma(new GemmaConfig(read))),
        ("gemma2", "Gemma2ForCausalLM", read => new Gemma(new GemmaConfig(read))),
        ("gemma3_text", "Gemma3ForCausalLM", read => new Gemma(new GemmaConfig(read))),
        ("gpt2", "GPT2LMHeadModel", read => new Gpt2(new Gpt2Config(read))),
        ("gpt_neo", "GPTNeoForCausalLM", read => new GptNeo(new GptNeoConfig(read))),
        ("gpt_neox", "GPTNeoXForCausalLM", read => new GptNeoX(new GptNeoXConfig(read))),
        ("gptj", "GPTJForCausalLM", read => new GptJ(new GptJConfig(read))),
        ("olmo2", "Olmo2ForCausalLM", read => new Olmo2(new Olmo2Config(read))),
        ("opt", "OPTForCausalLM", read => new Opt(new OptConfig(read))),
        ("phi", "PhiForCausalLM", read => new Phi(new PhiConfig(read))),
        ("phi3", "Phi3ForCausalLM", read => new Phi3(new Phi3Config(read))),
        ("starcoder2", "Starcoder2ForCausalLM", read => new StarCoder2(new StarCoder2Config(read))),
    ];

    /// <summary>The families' names, as <c>model_type</c> gives them.</summary>
    public static IEnumerable<string> ModelTypes => Families.Select(f => f.ModelType);

    /// <summary>Creates the model that a configuration describes, with zeroed weights.</summary>
    /// <exception cref="CratonException">It is of no family that is known, or a setting is not supported.</exception>
    public static CausalLanguageModel Create(ConfigReader read)
    {
        string type = read.ModelType;
        string[] architectures = read.Texts("architectures") ?? [];
        read.Refuse(read.Has("quantization_config"), "quantization_config", "its weights are not plain numbers; take the model's original, or a GGUF file");
        foreach ((string modelType, string architecture, Func<ConfigReader, CausalLanguageModel> create) in Families)
        {
            if (type != modelType && !(type.Length == 0 && architectures.Contains(architecture))) continue;
            if (architectures.Length > 0 && !architectures.Contains(architecture))
                throw new CratonException($"{read.File}: architectures is '{architectures[0]}', expected '{architecture}': this model of type '{modelType}' is no language model that writes on");
            CausalLanguageModel model = create(read = read.As(modelType));
            ForeignSettings.Refuse(read);
            return model;
        }
        throw new CratonException($"{read.File}: model_type is '{type}', which cannot be opened as a decoder; known are {string.Join(", ", ModelTypes)}");
    }
}
