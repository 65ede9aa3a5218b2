using System.Globalization;
using System.Text.Json.Nodes;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tokenizers;

namespace Craton.Models.Gguf;

/// <summary>The vocabulary inside a GGUF file as the <c>tokenizer.json</c> that means the same, so that one implementation serves both.</summary>
internal static class GgufTokenizer
{
    private const string Prefix = "tokenizer.ggml.", Space = "\u2581";
    private const int Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Byte = 6;

    /// <summary>Splitting rules by the name in the file; null is GPT-2's, which is built in.</summary>
    public static readonly (string Name, string? Pattern)[] Splits =
    [
        ("gpt-2", null), ("phi-2", null), ("olmo", null), ("jais", null), ("mpt", null),
        ("llama-bpe", @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"),
        ("llama3", @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"),
        ("dbrx", @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"),
        ("smaug-bpe", @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"),
        ("qwen2", @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"),
        ("stablelm2", @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"),
    ];

    /// <summary>Builds the tokenizer of a file.</summary>
    /// <exception cref="CratonException">The vocabulary is missing, damaged, or of an unsupported kind.</exception>
    public static Tokenizer Load(GgufFile file)
    {
        string folder = Directory.CreateTempSubdirectory("craton-tokenizer-").FullName;
        try
        {
            (JsonObject tokenizer, JsonObject config) = ToJson(file);
            File.WriteAllText(Path.Combine(folder, "tokenizer.json"), tokenizer.ToJsonString());
            File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), config.ToJsonString());
            return Tokenizer.Load(folder);
        }
        catch (TokenizerException e)
        {
            throw new CratonException($"{file.Path}: the vocabulary in the file cannot be used: {e.Message.Replace(folder + Path.DirectorySeparatorChar, "", StringComparison.Ordinal)}", e);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The content of <c>tokenizer.json</c> and <c>tokenizer_config.json</c>.</summary>
    public static (JsonObject Tokenizer, JsonObject Config) ToJson(GgufFile file)
    {
        string model = file.Find(Prefix + "model")?.Content as string ?? throw new CratonException($"{file.Path}: {Prefix}model is missing; the file has no vocabulary, give token ids with --prompt-ids");
        string[] tokens = Items<string>(file, "tokens") ?? throw new CratonException($"{file.Path}: {Prefix}tokens is missing or no list of strings; the file is damaged");
        int[] types = Items<int>(file, "token_type") ?? [.. Enumerable.Repeat(Normal, tokens.Length)];
        float[] scores = Items<float>(file, "scores") ?? new float[tokens.Length];
        if (types.Length != tokens.Length || (model == "llama" && scores.Length != tokens.Length))
            throw new CratonException($"{file.Path}: {tokens.Length} tokens, {types.Length} types and {scores.Length} scores, expected as many of each; the file is damaged");
        JsonObject json = model switch
        {
            "gpt2" => ByteLevel(file, tokens, types),
            "llama" => SentencePiece(file, tokens, types, scores),
            "bert" => WordPiece(tokens, types, Id(file, "unknown", tokens)),
            _ => throw new CratonException($"{file.Path}: {Prefix}model is '{model}', expected gpt2, llama or bert; this vocabulary is not supported yet"),
        };
        json["version"] = "1.0";
        json["added_tokens"] = Added(tokens, types);
        bool begins = Flag(file, "add_bos_token") ?? (model is "llama" or "bert" || file.Find(Prefix + "pre")?.Content is "llama-bpe" or "llama3");
        bool ends = Flag(file, "add_eos_token") ?? model == "bert";
        int? begin = Id(file, "bos", tokens) ?? Id(file, "cls", tokens), end = model == "bert" ? Id(file, "seperator", tokens) ?? Id(file, "separator", tokens) : Id(file, "eos", tokens);
        json["post_processor"] = Template(tokens, begins ? begin : null, ends ? end : null);
        var config = new JsonObject();
        foreach ((string role, string name) in new[] { ("bos", "bos_token"), ("eos", "eos_token"), ("padding", "pad_token"), ("unknown", "unk_token"), ("cls", "cls_token"), ("seperator", "sep_token"), ("mask", "mask_token") })
            if (Id(file, role, tokens) is { } id) config[name] = tokens[id];
        if (file.Find("tokenizer.chat_template")?.Content is string template) config["chat_template"] = template;
        return (json, config);
    }

    private static JsonObject ByteLevel(GgufFile file, string[] tokens, int[] types)
    {
        string pre = file.Find(Prefix + "pre")?.Content as string ?? "gpt-2";
        int split = Array.FindIndex(Splits, s => s.Name == (pre == "default" ? "gpt-2" : pre));
        if (split < 0) throw new CratonException($"{file.Path}: {Prefix}pre is '{pre}', expected one of {string.Join(", ", Splits.Select(s => s.Name))}; this splitting rule is not supported yet");
        string? pattern = Splits[split].Pattern;
        JsonNode level = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = Flag(file, "add_space_prefix") ?? false, ["trim_offsets"] = false, ["use_regex"] = pattern is null };
        return new JsonObject
        {
            ["normalizer"] = null,
            ["pre_tokenizer"] = pattern is null ? level : new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(
                    new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = pattern }, ["behavior"] = "Isolated", ["invert"] = false }, level),
            },
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = false, ["use_regex"] = false },
            ["model"] = Bpe(Vocabulary(tokens, types, t => t is not (Control or UserDefined)), Merges(file), unknown: null, byteFallback: false, ignoreMerges: pre is "llama-bpe" or "llama3"),
        };
    }

    // SentencePiece joins the pair with the best score first; the pairs in the order of their scores are the merges of BPE.
    private static JsonObject SentencePiece(GgufFile file, string[] tokens, int[] types, float[] scores)
    {
        bool prefix = Flag(file, "add_space_prefix") ?? true;
        var steps = new JsonArray();
        if (prefix) steps.Add(new JsonObject { ["type"] = "Prepend", ["prepend"] = Space });
        steps.Add(new JsonObject { ["type"] = "Replace", ["pattern"] = new JsonObject { ["String"] = " " }, ["content"] = Space });
        var decoders = new JsonArray(
            new JsonObject { ["type"] = "Replace", ["pattern"] = new JsonObject { ["String"] = Space }, ["content"] = " " },
            new JsonObject { ["type"] = "ByteFallback" }, new JsonObject { ["type"] = "Fuse" });
        if (prefix) decoders.Add(new JsonObject { ["type"] = "Strip", ["content"] = " ", ["start"] = 1, ["stop"] = 0 });
        int unknown = Array.IndexOf(types, Unknown);
        return new JsonObject
        {
            ["normalizer"] = new JsonObject { ["type"] = "Sequence", ["normalizers"] = steps },
            ["pre_tokenizer"] = null,
            ["decoder"] = new JsonObject { ["type"] = "Sequence", ["decoders"] = decoders },
            ["model"] = Bpe(Vocabulary(tokens, types, _ => true), MergesOf(tokens, types, scores), unknown < 0 ? null : tokens[unknown], byteFallback: Array.IndexOf(types, Byte) >= 0, ignoreMerges: false),
        };
    }

    private static JsonObject WordPiece(string[] tokens, int[] types, int? unknown)
    {
        // Word starts carry the mark of a space, and continuations have lost their ##.
        var vocabulary = new JsonObject();
        for (int i = 0; i < tokens.Length; i++) tokens[i] = types[i] is Control or Unknown ? tokens[i] : tokens[i].StartsWith(Space, StringComparison.Ordinal) ? tokens[i][1..] : "##" + tokens[i];
        for (int i = 0; i < tokens.Length; i++) vocabulary[tokens[i]] = i;
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

    private static JsonObject Vocabulary(string[] tokens, int[] types, Func<int, bool> isInModel)
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
                added.Add(new JsonObject
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
                pieces.Add(new JsonObject { ["Sequence"] = new JsonObject { ["id"] = sequences[i], ["type_id"] = i } });
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
}
