using System.Text.Json;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tokenizers;

namespace Craton.Models.Gguf;

/// <summary>The other way: a <c>tokenizer.json</c> as the metadata of a GGUF file.</summary>
internal static class GgufVocabulary
{
    private const int Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6;

    /// <summary>The metadata of a model directory's tokenizer; that there is none, for a directory without one.</summary>
    /// <param name="folder">The directory.</param>
    /// <param name="size">Rows of the embedding table: the vocabulary is filled up to it.</param>
    /// <exception cref="CratonException">The tokenizer has parts that GGUF cannot say.</exception>
    public static IEnumerable<KeyValuePair<string, GgufValue>> Read(string folder, int size)
    {
        string path = Path.Combine(folder, "tokenizer.json");
        string pieces = Path.Combine(folder, "tokenizer.model");
        if (!File.Exists(path) && File.Exists(pieces)) return Pieces(SentencePieceTokenizer.FromFile(pieces), folder, size);
        if (!File.Exists(path)) return [new("tokenizer.ggml.model", "no_vocab")]; // llama.cpp wants to be told
        JsonElement root = JsonElement.Parse(File.ReadAllBytes(path)), model = root.GetProperty("model");
        string type = model.TryGetProperty("type", out JsonElement t) ? t.GetString() ?? "BPE" : "BPE";
        if (type is not ("BPE" or "WordPiece")) throw new CratonException($"{path}: a tokenizer of type {type} cannot be written into GGUF; expected BPE or WordPiece");
        bool isByteLevel = type == "BPE" && root.GetProperty("decoder").ToString().Contains("ByteLevel", StringComparison.Ordinal);
        var tokens = new string[size];
        int[] types = new int[size];
        for (int i = 0; i < size; i++) (tokens[i], types[i]) = ($"[PAD{i}]", Unused);
        foreach (JsonProperty token in model.GetProperty("vocab").EnumerateObject()) Put(token.Name, token.Value.GetInt32(), Normal);
        foreach (JsonElement token in root.GetProperty("added_tokens").EnumerateArray())
            Put(token.GetProperty("content").GetString()!, token.GetProperty("id").GetInt32(), token.GetProperty("special").GetBoolean() ? Control : UserDefined);
        if (type == "BPE" && model.TryGetProperty("unk_token", out JsonElement unknown) && unknown.ValueKind == JsonValueKind.String && Array.IndexOf(tokens, unknown.GetString()) is >= 0 and var at) types[at] = Unknown;
        var metadata = new List<KeyValuePair<string, GgufValue>>();
        if (type == "WordPiece") AddWordPiece(metadata, tokens, types);
        else if (isByteLevel) AddByteLevel(metadata, path, root, model);
        else AddSentencePiece(metadata, root, model, tokens, types);
        metadata.Add(new("tokenizer.ggml.tokens", GgufValue.Of(tokens)));
        metadata.Add(new("tokenizer.ggml.token_type", GgufValue.Of(types)));
        AddRoles(metadata, folder, tokens);
        AddChatTemplates(metadata, folder);
        if (type == "BPE") AddTemplate(metadata, root);
        return metadata;

        void Put(string content, int id, int kind)
        {
            if (id < 0 || id >= size) throw new CratonException($"{path}: token '{content}' has the id {id}, but the embedding table only {size} rows; they do not belong together");
            (tokens[id], types[id]) = (content, kind);
        }
    }

    private static List<KeyValuePair<string, GgufValue>> Pieces(SentencePieceTokenizer tokenizer, string folder, int size)
    {
        SentencePieceOptions options = tokenizer.Options;
        if (options.Algorithm is not (SentencePieceAlgorithm.Bpe or SentencePieceAlgorithm.Unigram) || tokenizer.VocabularySize > size)
            throw new CratonException($"{folder}: {tokenizer.VocabularySize} pieces chosen by {options.Algorithm} cannot be written into GGUF for {size} rows; expected Bpe or Unigram, and no more pieces than rows");
        SentencePiece[] pieces = [.. tokenizer.Pieces, .. Enumerable.Range(tokenizer.VocabularySize, size - tokenizer.VocabularySize).Select(i => new SentencePiece($"[PAD{i}]", 0, SentencePieceKind.Unused))];
        List<KeyValuePair<string, GgufValue>> metadata =
        [
            new("tokenizer.ggml.model", options.Algorithm == SentencePieceAlgorithm.Bpe ? "llama" : "t5"),
            new("tokenizer.ggml.tokens", GgufValue.Of([.. pieces.Select(p => p.Text)])),
            new("tokenizer.ggml.scores", GgufValue.Of([.. pieces.Select(p => p.Score)])),
            new("tokenizer.ggml.token_type", GgufValue.Of([.. pieces.Select(p => (int)p.Kind)])),
            new("tokenizer.ggml.add_space_prefix", options.AddDummyPrefix),
            new("tokenizer.ggml.remove_extra_whitespaces", options.RemoveExtraWhitespaces),
        ];
        if (!options.Charsmap.IsEmpty)
            metadata.Add(new("tokenizer.ggml.precompiled_charsmap", new GgufValue(GgufValueType.Array, new GgufArray(GgufValueType.UInt8, options.Charsmap.ToArray()))));
        foreach ((string role, string? token) in new[] { ("bos", tokenizer.BosToken), ("eos", tokenizer.EosToken), ("unknown", tokenizer.UnkToken), ("padding", tokenizer.PadToken) })
            if (token is not null && tokenizer.IdOf(token) is { } id) metadata.Add(new($"tokenizer.ggml.{role}_token_id", (uint)id));
        metadata.Add(new("tokenizer.ggml.add_bos_token", options.Begin is not null));
        metadata.Add(new("tokenizer.ggml.add_eos_token", options.End is not null));
        AddChatTemplates(metadata, folder);
        return metadata;
    }

    private static void AddByteLevel(List<KeyValuePair<string, GgufValue>> metadata, string path, JsonElement root, JsonElement model)
    {
        metadata.Add(new("tokenizer.ggml.model", "gpt2"));
        metadata.Add(new("tokenizer.ggml.pre", Split(path, root.GetProperty("pre_tokenizer").GetRawText())));
        metadata.Add(new("tokenizer.ggml.merges", GgufValue.Of([.. model.GetProperty("merges").EnumerateArray().Select(Pair)])));
    }

    // The rule that splits most alike: digits one by one, up to three together, or all together.
    private static string Split(string path, string preTokenizer)
    {
        string plain = preTokenizer.Replace(@"\\", @"\", StringComparison.Ordinal);
        return plain.Contains(@"\p{N}{1,3}", StringComparison.Ordinal) ? "llama-bpe"
            : plain.Contains(@"\p{L}+|\p{N}|", StringComparison.Ordinal) ? "qwen2"
            : !plain.Contains("Regex", StringComparison.Ordinal) ? "gpt-2"
            : throw new CratonException($"{path}: the pre_tokenizer splits by a rule that GGUF has no name for; expected that of GPT-2, Llama 3 or Qwen 2");
    }

    private static void AddSentencePiece(List<KeyValuePair<string, GgufValue>> metadata, JsonElement root, JsonElement model, string[] tokens, int[] types)
    {
        metadata.Add(new("tokenizer.ggml.model", "llama"));
        metadata.Add(new("tokenizer.ggml.pre", "default"));
        var scores = new Dictionary<string, float>(StringComparer.Ordinal);
        int rank = 0;
        foreach (JsonElement merge in model.GetProperty("merges").EnumerateArray()) scores.TryAdd(Pair(merge).Replace(" ", "", StringComparison.Ordinal), -rank++);
        float[] all = new float[tokens.Length];
        for (int i = 0; i < tokens.Length; i++)
        {
            if (tokens[i] is ['<', '0', 'x', _, _, '>'] && types[i] == Normal) types[i] = Byte;
            all[i] = types[i] != Normal ? 0 : scores.TryGetValue(tokens[i], out float score) ? score : -rank - i;
        }
        metadata.Add(new("tokenizer.ggml.scores", GgufValue.Of(all)));
        string normalizer = root.TryGetProperty("normalizer", out JsonElement n) ? n.ToString() : "", pre = root.TryGetProperty("pre_tokenizer", out JsonElement p) ? p.ToString() : "";
        metadata.Add(new("tokenizer.ggml.add_space_prefix", normalizer.Contains("Prepend", StringComparison.Ordinal) || pre.Contains("\"always\"", StringComparison.Ordinal) || pre.Contains("\"first\"", StringComparison.Ordinal)));
    }

    private static void AddWordPiece(List<KeyValuePair<string, GgufValue>> metadata, string[] tokens, int[] types)
    {
        metadata.Add(new("tokenizer.ggml.model", "bert"));
        metadata.Add(new("tokenizer.ggml.pre", "default"));
        for (int i = 0; i < tokens.Length; i++)
            if (types[i] == Normal) tokens[i] = tokens[i].StartsWith("##", StringComparison.Ordinal) ? tokens[i][2..] : "\u2581" + tokens[i];
    }

    private static void AddRoles(List<KeyValuePair<string, GgufValue>> metadata, string folder, string[] tokens)
    {
        string file = Path.Combine(folder, "tokenizer_config.json");
        JsonElement config = File.Exists(file) ? JsonFile.Read(file) : JsonElement.Parse("{}");
        foreach ((string name, string role) in new[] { ("bos_token", "bos"), ("eos_token", "eos"), ("pad_token", "padding"), ("unk_token", "unknown"), ("sep_token", "seperator"), ("cls_token", "cls"), ("mask_token", "mask") })
        {
            if (!config.TryGetProperty(name, out JsonElement token)) continue;
            string? content = token.ValueKind == JsonValueKind.Object && token.TryGetProperty("content", out JsonElement inner) ? inner.GetString() : token.ValueKind == JsonValueKind.String ? token.GetString() : null;
            if (content is not null && Array.IndexOf(tokens, content) is >= 0 and var id) metadata.Add(new($"tokenizer.ggml.{role}_token_id", (uint)id));
        }
    }

    private static void AddChatTemplates(List<KeyValuePair<string, GgufValue>> metadata, string folder)
    {
        IDictionary<string, string> templates = ModelDirectory.ReadTokenizer(folder).ChatTemplates;
        foreach ((string name, string template) in templates)
            metadata.Add(new(name == Tokenizer.DefaultTemplate ? GgufTokenizer.ChatTemplateKey : $"{GgufTokenizer.ChatTemplateKey}.{name}", template));
        string[] named = [.. templates.Keys.Where(name => name != Tokenizer.DefaultTemplate)];
        if (named.Length > 0) metadata.Add(new("tokenizer.chat_templates", GgufValue.Of(named)));
    }

    // What is put around a text: said in any case, since the defaults differ from rule to rule.
    private static void AddTemplate(List<KeyValuePair<string, GgufValue>> metadata, JsonElement root)
    {
        JsonElement[] pieces = root.TryGetProperty("post_processor", out JsonElement post) && post.ValueKind == JsonValueKind.Object ? Single(post) : [];
        bool IsSpecial(int at) => at >= 0 && at < pieces.Length && pieces[at].TryGetProperty("SpecialToken", out _);
        metadata.Add(new("tokenizer.ggml.add_bos_token", IsSpecial(0)));
        if (IsSpecial(pieces.Length - 1) && pieces.Length > 1) metadata.Add(new("tokenizer.ggml.add_eos_token", true));
    }

    private static JsonElement[] Single(JsonElement processor) => processor.GetProperty("type").GetString() switch
    {
        "TemplateProcessing" => [.. processor.GetProperty("single").EnumerateArray()],
        "Sequence" => [.. processor.GetProperty("processors").EnumerateArray().SelectMany(Single)],
        _ => [],
    };

    private static string Pair(JsonElement merge) => merge.ValueKind == JsonValueKind.String ? merge.GetString()! : $"{merge[0].GetString()} {merge[1].GetString()}";
}
