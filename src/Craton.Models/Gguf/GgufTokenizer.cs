using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tokenizers;

namespace Craton.Models.Gguf;

/// <summary>
/// The vocabulary inside a GGUF file: as a SentencePiece model, or as the <c>tokenizer.json</c> that means the same, so that one
/// implementation serves both.
/// </summary>
internal static class GgufTokenizer
{
    /// <summary>The key of the default chat template; those of others go on with a dot and a name.</summary>
    public const string ChatTemplateKey = "tokenizer.chat_template";

    private const string Prefix = "tokenizer.ggml.", Space = "\u2581";
    private const int Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Byte = 6;

    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    private const string AfterNumbers = @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Llama3 = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + AfterNumbers;
    private const string Qwen2 = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + AfterNumbers;
    private const string O200k =
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        + @"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        + @"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>The splits, one within the pieces of the one before, by the names that files use.</summary>
    private static readonly (string[] Names, string[] Patterns)[] _splits =
    [
        (["default", "gpt-2", "phi-2", "olmo", "jais", "mpt"], [Gpt2]),
        (["llama-bpe", "llama3", "llama-v3", "dbrx", "smaug-bpe", "chatglm-bpe", "glm4"], [Llama3]),
        (["qwen2", "stablelm2", "deepseek-r1-qwen", "hunyuan"], [Qwen2]),
        (["gpt-4o", "llama4"], [O200k]),
        (["starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b"], [@"\p{N}", Gpt2]),
        (["falcon"], [@"[\p{P}\$\+<=>\^~\|`]+", Gpt2, "[0-9][0-9][0-9]"]),
        (["deepseek-coder"], [@"[\r\n]", @"\s?\p{L}+", @"\s?\p{P}+", @"[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+", @"\p{N}"]),
        (["deepseek-v3"],
        [
            @"\p{N}{1,3}",
            @"[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+",
            @"[!\""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ]),
    ];

    /// <summary>Builds the tokenizer of a file.</summary>
    /// <exception cref="CratonException">The vocabulary is missing, damaged, or of an unsupported kind.</exception>
    public static Tokenizer Load(GgufFile file)
    {
        try
        {
            Vocabulary vocabulary = Vocabulary.Read(file);
            Tokenizer tokenizer = vocabulary.Model is "llama" or "t5" ? Pieces(file, vocabulary)
                : Tokenizer.FromJson(Encoding.UTF8.GetBytes(Json(file, vocabulary).ToJsonString()), "tokenizer.json");
            JsonObject config = Config(file, vocabulary);
            tokenizer.BosToken = (string?)config["bos_token"];
            tokenizer.EosToken = (string?)config["eos_token"];
            tokenizer.PadToken = (string?)config["pad_token"];
            tokenizer.UnkToken = (string?)config["unk_token"] ?? tokenizer.UnkToken;
            foreach ((string name, string template) in Templates(file)) tokenizer.ChatTemplates[name] = template;
            return tokenizer;
        }
        catch (TokenizerException e)
        {
            throw new CratonException($"{file.Path}: the vocabulary in the file cannot be used: {e.Message}", e);
        }
    }

    /// <summary>The content of <c>tokenizer.json</c> and <c>tokenizer_config.json</c>.</summary>
    public static (JsonObject Tokenizer, JsonObject Config) ToJson(GgufFile file)
    {
        Vocabulary vocabulary = Vocabulary.Read(file);
        return (Json(file, vocabulary), Config(file, vocabulary));
    }

    private static JsonObject Json(GgufFile file, Vocabulary vocabulary)
    {
        (string model, string[] tokens, int[] types, float[] scores) = vocabulary;
        JsonObject json = model switch
        {
            "gpt2" => ByteLevel(file, tokens, types),
            "llama" => SentencePiece(file, tokens, types, scores),
            "bert" => WordPiece(tokens, types, Id(file, "unknown", tokens)),
            _ => throw new CratonException($"{file.Path}: {Prefix}model is '{model}', expected gpt2, llama or bert; this vocabulary is not supported yet"),
        };
        json["version"] = "1.0";
        json["added_tokens"] = Added(tokens, types);
        (int? begin, int? end) = Around(file, vocabulary);
        json["post_processor"] = Template(tokens, begin, end);
        return json;
    }

    private static JsonObject Config(GgufFile file, Vocabulary vocabulary)
    {
        string[] tokens = vocabulary.Tokens;
        var config = new JsonObject();
        foreach ((string role, string name) in new[] { ("bos", "bos_token"), ("eos", "eos_token"), ("padding", "pad_token"), ("unknown", "unk_token"), ("cls", "cls_token"), ("seperator", "sep_token"), ("mask", "mask_token") })
            if (Id(file, role, tokens) is { } id) config[name] = tokens[id];
        (string Name, string Template)[] templates = [.. Templates(file)];
        if (templates is [(Tokenizer.DefaultTemplate, var only)]) config["chat_template"] = only;
        else if (templates.Length > 0) config["chat_template"] = new JsonArray([.. templates.Select(t => new JsonObject { ["name"] = t.Name, ["template"] = t.Template })]);
        return config;
    }

    // The default one, and others by name.
    private static IEnumerable<(string Name, string Template)> Templates(GgufFile file)
    {
        foreach ((string key, GgufValue value) in file.Metadata)
        {
            if (value.Content is not string template || !key.StartsWith(ChatTemplateKey, StringComparison.Ordinal)) continue;
            if (key == ChatTemplateKey) yield return (Tokenizer.DefaultTemplate, template);
            else if (key[ChatTemplateKey.Length] == '.') yield return (key[(ChatTemplateKey.Length + 1)..], template);
        }
    }

    // What the model expects before and behind a text.
    private static (int? Begin, int? End) Around(GgufFile file, Vocabulary vocabulary)
    {
        (string model, string[] tokens, _, _) = vocabulary;
        bool begins = Flag(file, "add_bos_token") ?? (model is "llama" or "bert" || file.Find(Prefix + "pre")?.Content is "llama-bpe" or "llama3");
        bool ends = Flag(file, "add_eos_token") ?? model is "bert" or "t5";
        int? begin = Id(file, "bos", tokens) ?? Id(file, "cls", tokens), end = model == "bert" ? Id(file, "seperator", tokens) ?? Id(file, "separator", tokens) : Id(file, "eos", tokens);
        return (begins ? begin : null, ends ? end : null);
    }

    private static SentencePieceTokenizer Pieces(GgufFile file, Vocabulary vocabulary)
    {
        (string model, string[] tokens, int[] types, float[] scores) = vocabulary;
        // Some files mark no piece as unknown.
        int unknown = types.Contains(Unknown) ? -1 : Id(file, "unknown", tokens) ?? 0;
        (int? begin, int? end) = Around(file, vocabulary);
        return new SentencePieceTokenizer(
            tokens.Select((token, id) => new SentencePiece(token, scores[id], id == unknown ? SentencePieceKind.Unknown : (SentencePieceKind)types[id])),
            new SentencePieceOptions
            {
                Algorithm = model == "t5" ? SentencePieceAlgorithm.Unigram : SentencePieceAlgorithm.Bpe,
                AddDummyPrefix = Flag(file, "add_space_prefix") ?? true,
                RemoveExtraWhitespaces = Flag(file, "remove_extra_whitespaces") ?? false,
                Charsmap = Items<byte>(file, "precompiled_charsmap") ?? [],
                Begin = begin,
                End = end,
            });
    }

    private static JsonObject ByteLevel(GgufFile file, string[] tokens, int[] types)
    {
        string pre = file.Find(Prefix + "pre")?.Content as string ?? "gpt-2";
        string[] patterns = Array.Find(_splits, s => s.Names.Contains(pre)).Patterns
            ?? throw new CratonException($"{file.Path}: {Prefix}pre is '{pre}', expected one of {string.Join(", ", _splits.SelectMany(s => s.Names))}; this splitting rule is not supported yet");
        bool isGpt2 = patterns is [Gpt2];
        JsonNode level = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = Flag(file, "add_space_prefix") ?? false, ["trim_offsets"] = false, ["use_regex"] = isGpt2 };
        IEnumerable<JsonNode> splits = patterns.Select(p => new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = p }, ["behavior"] = "Isolated", ["invert"] = false });
        return new JsonObject
        {
            ["normalizer"] = null,
            ["pre_tokenizer"] = isGpt2 ? level : new JsonObject { ["type"] = "Sequence", ["pretokenizers"] = new JsonArray([.. splits, level]) },
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = false, ["use_regex"] = false },
            ["model"] = Bpe(Ids(tokens, types, t => t is not (Control or UserDefined)), Merges(file), unknown: null, byteFallback: false, ignoreMerges: pre is "llama-bpe" or "llama3"),
        };
    }

    // SentencePiece joins the pair with the best score first; the pairs in the order of their scores are the merges of BPE.
    private static JsonObject SentencePiece(GgufFile file, string[] tokens, int[] types, float[] scores)
    {
        bool prefix = Flag(file, "add_space_prefix") ?? true;
        var steps = new JsonArray();
        if (prefix) steps.Add((JsonNode)new JsonObject { ["type"] = "Prepend", ["prepend"] = Space });
        steps.Add((JsonNode)new JsonObject { ["type"] = "Replace", ["pattern"] = new JsonObject { ["String"] = " " }, ["content"] = Space });
        var decoders = new JsonArray(
            new JsonObject { ["type"] = "Replace", ["pattern"] = new JsonObject { ["String"] = Space }, ["content"] = " " },
            new JsonObject { ["type"] = "ByteFallback" }, new JsonObject { ["type"] = "Fuse" });
        if (prefix) decoders.Add((JsonNode)new JsonObject { ["type"] = "Strip", ["content"] = " ", ["start"] = 1, ["stop"] = 0 });
        int unknown = Array.IndexOf(types, Unknown);
        return new JsonObject
        {
            ["normalizer"] = new JsonObject { ["type"] = "Sequence", ["normalizers"] = steps },
            ["pre_tokenizer"] = null,
            ["decoder"] = new JsonObject { ["type"] = "Sequence", ["decoders"] = decoders },
            ["model"] = Bpe(Ids(tokens, types, _ => true), MergesOf(tokens, types, scores), unknown < 0 ? null : tokens[unknown], byteFallback: Array.IndexOf(types, Byte) >= 0, ignoreMerges: false),
        };
    }

    private static JsonObject WordPiece(string[] tokens, int[] types, int? unknown)
    {
        // Word starts carry the mark of a space, and continuations have lost their ##.
        var vocabulary = new JsonObject();
        for (int i = 0; i < tokens.Length; i++) vocabulary[types[i] is Control or Unknown ? tokens[i] : tokens[i].StartsWith(Space, StringComparison.Ordinal) ? tokens[i][1..] : "##" + tokens[i]] = i;
        return new JsonObject
        {
            ["normalizer"] = new JsonObject { ["type"] = "BertNormalizer", ["clean_text"] = true, ["handle_chinese_chars"] = true, ["strip_accents"] = true, ["lowercase"] = true },
            ["pre_tokenizer"] = new JsonObject { ["type"] = "BertPreTokenizer" },
            ["decoder"] = new JsonObject { ["type"] = "WordPiece", ["prefix"] = "##", ["cleanup"] = true },
            ["model"] = new JsonObject
            {
                ["type"] = "WordPiece",
                ["unk_token"] = unknown is { } id ? tokens[id] : "[UNK]",
                ["continuing_subword_prefix"] = "##",
                ["max_input_chars_per_word"] = 100,
                ["vocab"] = vocabulary,
            },
        };
    }

    private static JsonObject Bpe(JsonObject vocabulary, JsonArray merges, string? unknown, bool byteFallback, bool ignoreMerges) => new()
    {
        ["type"] = "BPE",
        ["dropout"] = null,
        ["unk_token"] = unknown,
        ["continuing_subword_prefix"] = null,
        ["end_of_word_suffix"] = null,
        ["fuse_unk"] = unknown is not null,
        ["byte_fallback"] = byteFallback,
        ["ignore_merges"] = ignoreMerges,
        ["vocab"] = vocabulary,
        ["merges"] = merges,
    };

    private static JsonObject Ids(string[] tokens, int[] types, Func<int, bool> isInModel)
    {
        var vocabulary = new JsonObject();
        for (int i = 0; i < tokens.Length; i++)
            if (isInModel(types[i])) vocabulary[tokens[i]] = i;
        return vocabulary;
    }

    private static JsonArray Merges(GgufFile file)
    {
        string[] merges = Items<string>(file, "merges") ?? throw new CratonException($"{file.Path}: {Prefix}merges is missing or no list of strings; the file is damaged");
        return new JsonArray([.. merges.Select(merge =>
        {
            int space = merge.IndexOf(' ', 1);
            return (JsonNode)(space > 0 ? new JsonArray(merge[..space], merge[(space + 1)..])
                : throw new CratonException($"{file.Path}: the merge '{merge}' is no pair of tokens; the file is damaged"));
        })]);
    }

    private static JsonArray MergesOf(string[] tokens, int[] types, float[] scores)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < tokens.Length; i++)
            if (types[i] is Normal or UserDefined) ids.TryAdd(tokens[i], i);
        var merges = new List<(float Score, int Left, int Right)>();
        foreach ((string token, int id) in ids)
            for (int cut = 1; cut < token.Length; cut++)
                if (ids.TryGetValue(token[..cut], out int left) && ids.TryGetValue(token[cut..], out int right)) merges.Add((scores[id], left, right));
        return new JsonArray([.. merges.OrderByDescending(m => m.Score).ThenBy(m => m.Left).ThenBy(m => m.Right).Select(m => (JsonNode)new JsonArray(tokens[m.Left], tokens[m.Right]))]);
    }

    private static JsonArray Added(string[] tokens, int[] types)
    {
        var added = new JsonArray();
        for (int id = 0; id < tokens.Length; id++)
            if (types[id] is Control or UserDefined or Unknown)
                added.Add((JsonNode)new JsonObject
                {
                    ["id"] = id,
                    ["content"] = tokens[id],
                    ["single_word"] = false,
                    ["lstrip"] = false,
                    ["rstrip"] = false,
                    ["normalized"] = false,
                    ["special"] = types[id] != UserDefined,
                });
        return added;
    }

    private static JsonObject? Template(string[] tokens, int? begin, int? end)
    {
        if (begin is null && end is null) return null;
        var special = new JsonObject();
        foreach (int id in new[] { begin, end }.OfType<int>().Distinct())
            special[tokens[id]] = new JsonObject { ["id"] = tokens[id], ["ids"] = new JsonArray(id), ["tokens"] = new JsonArray(tokens[id]) };
        return new JsonObject { ["type"] = "TemplateProcessing", ["single"] = Pieces("A"), ["pair"] = Pieces("A", "B"), ["special_tokens"] = special };

        JsonArray Pieces(params string[] sequences)
        {
            var pieces = new JsonArray();
            if (begin is { } first) pieces.Add(Special(first, 0));
            for (int i = 0; i < sequences.Length; i++)
            {
                pieces.Add((JsonNode)new JsonObject { ["Sequence"] = new JsonObject { ["id"] = sequences[i], ["type_id"] = i } });
                if (end is { } last) pieces.Add(Special(last, i));
            }
            return pieces;
        }

        JsonNode Special(int id, int type) => new JsonObject { ["SpecialToken"] = new JsonObject { ["id"] = tokens[id], ["type_id"] = type } };
    }

    private static T[]? Items<T>(GgufFile file, string key) => (file.Find(Prefix + key)?.Content as GgufArray)?.Items as T[];

    private static bool? Flag(GgufFile file, string key) => file.Find(Prefix + key)?.Content as bool?;

    private static int? Id(GgufFile file, string role, string[] tokens) => file.Find($"{Prefix}{role}_token_id")?.AsInteger() is not { } id || id == uint.MaxValue ? null // which is how some programs write -1, none
        : id >= 0 && id < tokens.Length ? (int)id
        : throw new CratonException($"{file.Path}: {Prefix}{role}_token_id is {id.ToString(CultureInfo.InvariantCulture)}, expected an id below {tokens.Length}; the file is damaged");

    /// <summary>The vocabulary as it stands in the file.</summary>
    private sealed record Vocabulary(string Model, string[] Tokens, int[] Types, float[] Scores)
    {
        public static Vocabulary Read(GgufFile file)
        {
            string model = file.Find(Prefix + "model")?.Content as string ?? throw new CratonException($"{file.Path}: {Prefix}model is missing; the file has no vocabulary, give token ids with --prompt-ids");
            string[] tokens = Items<string>(file, "tokens") ?? throw new CratonException($"{file.Path}: {Prefix}tokens is missing or no list of strings; the file is damaged");
            int[] types = Items<int>(file, "token_type") ?? [.. Enumerable.Repeat(Normal, tokens.Length)];
            float[] scores = Items<float>(file, "scores") ?? new float[tokens.Length];
            return types.Length == tokens.Length && (model is not ("llama" or "t5") || scores.Length == tokens.Length)
                ? new Vocabulary(model, tokens, types, scores)
                : throw new CratonException($"{file.Path}: {tokens.Length} tokens, {types.Length} types and {scores.Length} scores, expected as many of each; the file is damaged");
        }
    }
}
