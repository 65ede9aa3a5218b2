using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Models.Encoders;
using Craton.Models.Seq2Seq;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Tests;

/// <summary>Configurations of encoders: what is set is computed or refused, and damage is refused in words.</summary>
public sealed class EncoderConfigTests
{
    private const string Plain = """
        "vocab_size": 40, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 32,
        "hidden_act": "gelu", "layer_norm_eps": 1e-5, "type_vocab_size": 2, "pad_token_id": 1
        """;

    private static readonly Dictionary<string, string> s_all = new(StringComparer.Ordinal)
    {
        ["bert"] = Plain + """, "architectures": ["BertForPreTraining"], "position_embedding_type": "absolute" """,
        ["roberta"] = Plain + """, "architectures": ["RobertaForSequenceClassification"], "id2label": { "0": "a", "1": "b", "2": "c" }, "problem_type": null""",
        ["xlm-roberta"] = Plain + """, "architectures": ["XLMRobertaForMultipleChoice"]""",
        ["camembert"] = Plain + """, "architectures": ["CamembertForMaskedLM"]""",
        ["electra"] = Plain + """, "architectures": ["ElectraForPreTraining"], "embedding_size": 8, "summary_activation": "gelu" """,
        ["distilbert"] = """
            "vocab_size": 40, "dim": 16, "hidden_dim": 24, "n_layers": 2, "n_heads": 2, "max_position_embeddings": 32, "activation": "gelu",
            "architectures": ["DistilBertForQuestionAnswering"]
            """,
        ["albert"] = Plain + """, "architectures": ["AlbertForTokenClassification"], "embedding_size": 8, "num_hidden_groups": 1, "inner_group_num": 1""",
        ["mpnet"] = Plain + """, "architectures": ["MPNetModel"], "relative_attention_num_buckets": 8""",
        ["t5"] = """
            "vocab_size": 40, "d_model": 16, "d_ff": 24, "d_kv": 8, "num_layers": 2, "num_heads": 2, "feed_forward_proj": "gated-gelu",
            "layer_norm_epsilon": 1e-6, "relative_attention_num_buckets": 8, "relative_attention_max_distance": 16, "architectures": ["T5EncoderModel"]
            """,
        ["modernbert"] = """
            "vocab_size": 40, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2, "max_position_embeddings": 64,
            "hidden_activation": "gelu", "norm_eps": 1e-5, "local_attention": 4, "global_attn_every_n_layers": 2, "global_rope_theta": 160000.0,
            "local_rope_theta": 10000.0, "classifier_pooling": "mean", "norm_bias": false, "architectures": ["ModernBertForSequenceClassification"]
            """,
    };

    public static TheoryData<string> Families => [.. EncoderCatalogue.ModelTypes];

    public static TheoryData<string, string> Changes()
    {
        var data = new TheoryData<string, string>
        {
            { "distilbert", """{ "activation": "relu" }""" },
            { "albert", """{ "num_hidden_layers": 3 }""" },
            { "albert", """{ "inner_group_num": 2 }""" },
            { "t5", """{ "feed_forward_proj": "gated-silu" }""" },
            { "t5", """{ "layer_norm_epsilon": 0.5 }""" },
            { "t5", """{ "relative_attention_max_distance": 6 }""" },
            { "modernbert", """{ "hidden_activation": "relu" }""" },
            { "modernbert", """{ "norm_eps": 0.5 }""" },
            { "modernbert", """{ "local_attention": 2 }""" },
            { "modernbert", """{ "global_rope_theta": 50 }""" },
            { "modernbert", """{ "local_rope_theta": 50 }""" },
            { "modernbert", """{ "layer_types": ["sliding_attention", "full_attention", "full_attention"] }""" },
            { "modernbert", """{ "rope_parameters": { "full_attention": { "rope_type": "linear", "factor": 2 } } }""" },
            { "roberta", """{ "pad_token_id": 2 }""" },
        };
        foreach (string family in EncoderCatalogue.ModelTypes.Except(["distilbert", "modernbert", "t5"]))
        {
            data.Add(family, """{ "hidden_act": "relu" }""");
            data.Add(family, """{ "hidden_act": "tanh" }""");
            data.Add(family, """{ "layer_norm_eps": 0.5 }""");
            data.Add(family, """{ "num_attention_heads": 4 }""");
        }
        return data;
    }

    public static TheoryData<string, string, string> Refusals()
    {
        var data = new TheoryData<string, string, string>
        {
            { "bert", """{ "position_embedding_type": "relative_key" }""", "position_embedding_type" },
            { "bert", """{ "architectures": ["BertLMHeadModel"] }""", "BertLMHeadModel" },
            { "bert", """{ "architectures": ["RobertaModel"] }""", "RobertaModel" },
            { "roberta", """{ "architectures": ["RobertaForPreTraining"] }""", "ForPreTraining" },
            { "roberta", """{ "problem_type": "ranking" }""", "problem_type" },
            { "roberta", """{ "id2label": { "0": "a", "7": "b" } }""", "id2label" },
            { "roberta", """{ "max_position_embeddings": 2 }""", "max_position_embeddings" },
            { "albert", """{ "num_hidden_groups": 3 }""", "num_hidden_groups" },
            { "modernbert", """{ "classifier_pooling": "max" }""", "classifier_pooling" },
            { "modernbert", """{ "rope_parameters": { "full_attention": { "rope_type": "dynamic", "factor": 2 } } }""", "rope_type" },
        };
        foreach (string family in EncoderCatalogue.ModelTypes)
        {
            data.Add(family, """{ "is_decoder": true }""", "is_decoder");
            data.Add(family, """{ "quantization_config": { "bits": 4 } }""", "quantization_config");
            data.Add(family, """{ "embedding_multiplier": 12.0 }""", "embedding_multiplier");
            data.Add(family, """{ "vocab_size": 0 }""", "vocab_size");
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void ASettingChangesTheNumbers(string family, string change)
    {
        float[] plain = Hidden(Model(Changed(family, "{}"))), changed = Hidden(Model(Changed(family, change)));
        Assert.All(changed, value => Assert.True(float.IsFinite(value)));
        Assert.Contains(plain.Zip(changed), pair => Math.Abs(pair.First - pair.Second) > 1e-4);
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public void WhatIsNotSupportedIsRefusedByName(string family, string change, string part) =>
        Assert.Contains(part, Assert.Throws<CratonException>(() => Shape(Changed(family, change).ToJsonString())).Message, StringComparison.Ordinal);

    [Fact]
    public void NewerAndOlderSpellingsAreTheSame() => Assert.Equal(
        Hidden(Model(Changed("modernbert", """{ "global_rope_theta": 500.0, "local_rope_theta": 50.0 }"""))),
        Hidden(Model(Changed("modernbert", """
            {
              "global_rope_theta": null, "local_rope_theta": null, "layer_types": ["full_attention", "sliding_attention", "full_attention"],
              "rope_parameters": { "full_attention": { "rope_theta": 500 }, "sliding_attention": { "rope_theta": 50 } }
            }
            """))));

    [Theory]
    [MemberData(nameof(Families))]
    public void DamagedConfigurationsAreRefusedInWords(string family) => Damage(Changed(family, "{}").ToJsonString(), 12_000, text => Shape(text));

    [Theory]
    [InlineData("t5", "T5ForConditionalGeneration")]
    [InlineData("bart", "BartForSequenceClassification")]
    [InlineData("mbart", "MBartForConditionalGeneration")]
    [InlineData("marian", "MarianMTModel")]
    [InlineData("pegasus", "PegasusForConditionalGeneration")]
    public void DamagedConfigurationsOfModelsThatAnswerAreRefusedInWords(string family, string architecture)
    {
        string config = family == "t5" ? s_all["t5"] : """
            "vocab_size": 40, "d_model": 16, "encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 24, "decoder_layers": 1, "decoder_attention_heads": 4,
            "decoder_ffn_dim": 20, "max_position_embeddings": 32, "activation_function": "relu", "scale_embedding": true, "decoder_start_token_id": 2, "architectures": [""]
            """;
        string named = config.Replace("T5EncoderModel", architecture, StringComparison.Ordinal).Replace("[\"\"]", $"[\"{architecture}\"]", StringComparison.Ordinal);
        string text = $$"""{ {{named}}, "model_type": "{{family}}", "is_encoder_decoder": true, "pad_token_id": 1, "eos_token_id": 2 }""";
        Assert.NotNull(SeqToSeqDirectory.Create(Read(text), ownHead: false));
        Damage(text, 20_000, damaged => SeqToSeqDirectory.Create(Read(damaged), ownHead: true));
    }

    [Fact]
    public void DamagedModulesAreRefusedInWords()
    {
        Damage("""{ "pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true, "include_prompt": true, "embedding_dimension": 8 }""", 100_000, text => new PoolingModule(Read(text)));
        Damage("""{ "pooling_mode": ["mean", "max", "lasttoken"] }""", 100_000, text => new PoolingModule(Read(text)));
        Damage(
            """{"m":[{ "idx": 0, "path": "", "type": "sentence_transformers.models.Transformer" }, { "idx": 1, "path": "1_Pooling", "type": "a.Pooling" }]}""", 100_000,
            text => JsonElement.Parse(text).TryGetProperty("m", out JsonElement list) && list.ValueKind == JsonValueKind.Array && list.EnumerateArray().All(e => e.ValueKind == JsonValueKind.Object)
                ? SentenceEncoder.Steps("/models/m", "modules.json", [.. list.EnumerateArray()]) : null);
    }

    [Fact]
    public void ModulesStayInTheirDirectory()
    {
        foreach (string path in new[] { "../other", "/etc", "1_Pooling/../../x" })
        {
            JsonElement entry = JsonElement.Parse($$"""{ "path": "{{path}}", "type": "a.Pooling" }""");
            Assert.Contains(path, Assert.Throws<CratonException>(() => SentenceEncoder.Steps("/models/m", "modules.json", [entry])).Message, StringComparison.Ordinal);
        }
    }

    // Bytes are changed, left out, doubled or exchanged for pieces that mean something. Text that is no JSON is refused before it gets here.
    private static void Damage(string text, int times, Func<string, object?> read)
    {
        string[] pieces = ["null", "true", "-1", "0", "1", "3", "0.3", "1e9", "1e300", "2147483647", "\"x\"", "[]", "[1]", "{}", "\"relu\""];
        var random = new Random(3);
        for (int i = 0; i < times; i++)
        {
            var damaged = new StringBuilder(text);
            for (int n = random.Next(1, 4); n > 0 && damaged.Length > 2; n--)
            {
                int at = random.Next(damaged.Length);
                switch (random.Next(4))
                {
                    case 0: damaged[at] = (char)random.Next(32, 127); break;
                    case 1: damaged.Remove(at, Math.Min(damaged.Length - at, random.Next(1, 8))); break;
                    case 2: damaged.Insert(at, damaged[at]); break;
                    default:
                        int colon = damaged.ToString().IndexOf(':', at), end = colon < 0 ? -1 : damaged.ToString().IndexOfAny([',', '}'], colon);
                        if (end > 0) damaged.Remove(colon + 1, end - colon - 1).Insert(colon + 1, pieces[random.Next(pieces.Length)]);
                        break;
                }
            }
            try
            {
                read(damaged.ToString());
            }
            catch (Exception e) when (e is not (CratonException or JsonException))
            {
                throw new InvalidOperationException(damaged.ToString(), e);
            }
            catch (Exception e) when (e is CratonException or JsonException)
            {
                // in words
            }
        }
    }

    private static ConfigReader Read(string text)
    {
        JsonElement root = JsonElement.Parse(text);
        return root.ValueKind == JsonValueKind.Object ? new ConfigReader("config.json", root) : throw new CratonException("config.json: expected an object");
    }

    private static EncoderModel Shape(string text) => EncoderCatalogue.Create(Read(text));

    private static EncoderModel Model(JsonObject config)
    {
        EncoderModel model = EncoderCatalogue.Create(Read(config.ToJsonString()));
        foreach ((string name, Tensor tensor) in model.NamedParameters()) Init.Normal(tensor, 0.3, 5, (uint)name.Sum(c => c * 31));
        return model;
    }

    private static float[] Hidden(EncoderModel model)
    {
        using var scope = TensorScope.Open("test");
        return model.Hidden(new EncoderInput(Tensor.From(Enumerable.Range(0, 12).Select(i => 3 + i * 7 % 30).ToArray(), 1, 12))).ToArray<float>();
    }

    private static JsonObject Changed(string family, string change)
    {
        JsonObject config = JsonNode.Parse($$"""{ {{s_all[family]}} }""")!.AsObject();
        config["model_type"] = family;
        foreach ((string name, JsonNode? value) in JsonNode.Parse(change)!.AsObject()) config[name] = value?.DeepClone();
        return config;
    }
}
