using Craton.Models.Seq2Seq;
using Craton.Tensors;

namespace Craton.Models.Encoders;

/// <summary>Every family of encoders that is opened from a directory, and every task: one row each.</summary>
public static class EncoderCatalogue
{
    private static readonly (string ModelType, string Name, Func<ConfigReader, Encoder> Create)[] Families =
    [
        ("bert", "Bert", read => new Bert(new BertConfig(read))),
        ("roberta", "Roberta", read => new Bert(new BertConfig(read))),
        ("xlm-roberta", "XLMRoberta", read => new Bert(new BertConfig(read))),
        ("camembert", "Camembert", read => new Bert(new BertConfig(read))),
        ("electra", "Electra", read => new Bert(new BertConfig(read))),
        ("distilbert", "DistilBert", read => new DistilBert(new DistilBertConfig(read))),
        ("albert", "Albert", read => new Albert(new AlbertConfig(read))),
        ("mpnet", "MPNet", read => new MpNet(new MpNetConfig(read))),
        ("t5", "T5Encoder", read => new T5Encoder(new T5Config(read))),
        ("modernbert", "ModernBert", read => new ModernBert(new ModernBertConfig(read))),
    ];

    private static readonly (string End, EncoderTask Task, Func<Encoder, EncoderModel> Create)[] Tasks =
    [
        ("Model", EncoderTask.None, encoder => new EncoderModel(encoder)),
        ("ForMaskedLM", EncoderTask.MaskedLanguage, encoder => new MaskedLanguageModel(encoder)),
        ("ForPreTraining", EncoderTask.SentencePair, encoder => new PretrainingModel(encoder)),
        ("ForPreTraining", EncoderTask.ReplacedTokens, encoder => new ReplacedTokenDetector(encoder)),
        ("ForNextSentencePrediction", EncoderTask.SentencePair, encoder => new SequenceClassifier(encoder, EncoderTask.SentencePair)),
        ("ForSequenceClassification", EncoderTask.SequenceClassification, encoder => new SequenceClassifier(encoder)),
        ("ForTokenClassification", EncoderTask.TokenClassification, encoder => new TokenClassifier(encoder)),
        ("ForQuestionAnswering", EncoderTask.QuestionAnswering, encoder => new QuestionAnswerer(encoder)),
        ("ForMultipleChoice", EncoderTask.MultipleChoice, encoder => new MultipleChoiceModel(encoder)),
    ];

    /// <summary>The families' names, as <c>model_type</c> gives them.</summary>
    public static IEnumerable<string> ModelTypes => Families.Select(f => f.ModelType);

    /// <summary>Whether a configuration is that of an encoder.</summary>
    public static bool Knows(ConfigReader read) => read.Texts("architectures") is [var architecture, ..]
        ? Families.Any(f => f.ModelType == read.ModelType && architecture.StartsWith(f.Name, StringComparison.Ordinal))
        : Families.Any(f => f.ModelType == read.ModelType);

    /// <summary>Creates the model that a configuration describes, with zeroed weights.</summary>
    /// <param name="read">The configuration.</param>
    /// <param name="pooler">Whether the checkpoint holds a pooler even where its task reads none.</param>
    /// <exception cref="CratonException">It is of no family or task that is known, or a setting is not supported.</exception>
    public static EncoderModel Create(ConfigReader read, bool pooler = false)
    {
        string[] architectures = read.Texts("architectures") ?? [];
        read.Refuse(read.Has("quantization_config"), "quantization_config", "its weights are not plain numbers; take the model's original");
        foreach ((string modelType, string name, Func<ConfigReader, Encoder> create) in Families)
        {
            bool named = architectures.Length > 0 && Tasks.Any(t => architectures[0] == name + t.End);
            if (read.ModelType != modelType && !(read.ModelType.Length == 0 && named)) continue;
            if (architectures.Length > 0 && !named)
                throw new CratonException($"{read.File}: architectures is '{architectures[0]}', expected {name} followed by one of {string.Join(", ", Tasks.Select(t => t.End).Distinct())}");
            ConfigReader family = read.As(modelType);
            Encoder encoder = create(family);
            ForeignSettings.Refuse(family);
            return Create(encoder, architectures.Length > 0 ? architectures[0][name.Length..] : "Model", pooler);
        }
        throw new CratonException($"{read.File}: model_type is '{read.ModelType}', which cannot be opened as an encoder; known are {string.Join(", ", ModelTypes)}");
    }

    private static EncoderModel Create(Encoder encoder, string end, bool pooler)
    {
        foreach ((string taskEnd, EncoderTask task, Func<Encoder, EncoderModel> create) in Tasks)
        {
            if (taskEnd != end || (task != EncoderTask.None && encoder.HeadOf(task) is null)) continue;
            if (encoder.PoolerName is not null && (pooler || encoder.HeadOf(task)?.Input == HeadInput.Pooler)) encoder.AddPooler();
            return create(encoder);
        }
        throw new CratonException($"a {encoder.GetType().Name} has no head '{end}'");
    }
}
