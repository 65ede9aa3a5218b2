using System.Buffers;
using System.Text.Json;

namespace Craton.Tokenizers.Files;

/// <summary>The tokenizer files of a model directory in Hugging Face layout.</summary>
internal static class TokenizerDirectory
{
    private const string TokenizerFile = "tokenizer.json";
    private const string SentencePieceName = "tokenizer.model";
    internal const string ConfigFile = "tokenizer_config.json";
    private const string RolesFile = "special_tokens_map.json";
    private const string TemplateFile = "chat_template.jinja";
    private const string TemplateExtension = ".jinja";
    private const long LargestConfig = 16 << 20;

    // Further templates, by file name; the second is what newer files of the field use.
    private static readonly string[] _templateFolders = ["chat_templates", "additional_chat_templates"];

    /// <summary>Loads from a directory or a <c>tokenizer.json</c>.</summary>
    public static Tokenizer Load(string path)
    {
        if (!Directory.Exists(path))
        {
            Tokenizer single = path.EndsWith(".model", StringComparison.OrdinalIgnoreCase) ? SentencePieceFile.Load(path) : TokenizerJsonReader.Load(path);
            return WithConfig(single, Path.GetDirectoryName(Path.GetFullPath(path))!);
        }

        if (File.Exists(Path.Combine(path, TokenizerFile)))
            return WithConfig(TokenizerJsonReader.Load(Path.Combine(path, TokenizerFile)), path);
        foreach ((string vocabulary, string merges) in new[] { ("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe") })
        {
            (string vocabularyPath, string mergesPath) = (Path.Combine(path, vocabulary), Path.Combine(path, merges));
            if (File.Exists(vocabularyPath) && File.Exists(mergesPath))
                return ClipFiles.TryLoad(vocabularyPath, mergesPath) is { } clip
                    ? WithRoles(WithConfig(clip, path), path)
                    : WithConfig(Gpt2Files.Load(vocabularyPath, mergesPath, ["<|endoftext|>"]), path);
        }

        if (File.Exists(Path.Combine(path, BertFiles.VocabularyName)))
            return WithConfig(BertFiles.Load(path), path);
        foreach (string name in new[] { SentencePieceName, "spiece.model", "sentencepiece.bpe.model" })
        {
            if (File.Exists(Path.Combine(path, name)))
                return WithConfig(SentencePieceFile.Load(Path.Combine(path, name)), path);
        }

        throw new TokenizerFileException(
            path,
            "holds no tokenizer; expected tokenizer.json, or vocab.json with merges.txt, or encoder.json with vocab.bpe, or vocab.txt,"
            + " or tokenizer.model.");
    }

    /// <summary>Writes the files; each appears whole or not at all.</summary>
    public static void Save(string directory, Tokenizer tokenizer, byte[] content)
    {
        Directory.CreateDirectory(directory);
        (string name, string other) = tokenizer is SentencePieceTokenizer ? (SentencePieceName, TokenizerFile) : (TokenizerFile, SentencePieceName);
        WriteWhole(Path.Combine(directory, name), content);
        // One of another kind would be read instead of it, or by other programs.
        File.Delete(Path.Combine(directory, other));
        WriteWhole(Path.Combine(directory, ConfigFile), Config(tokenizer));
        // A template file beside the configuration would win over the template in it.
        File.Delete(Path.Combine(directory, TemplateFile));
        foreach (string path in TemplateFiles(directory))
            File.Delete(path);
    }

    private static void WriteWhole(string path, byte[] content)
    {
        string temporary = path + ".tmp";
        using (FileStream stream = File.Create(temporary))
        {
            stream.Write(content);
            stream.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
    }

    private static byte[] Config(Tokenizer tokenizer)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, TokenizerJsonWriter.Options))
        {
            json.WriteStartObject();
            WriteText(json, "bos_token", tokenizer.BosToken);
            WriteTemplates(json, tokenizer);
            json.WriteBoolean("clean_up_tokenization_spaces", false);
            WriteText(json, "eos_token", tokenizer.EosToken);
            WriteText(json, "pad_token", tokenizer.PadToken);
            json.WriteString("tokenizer_class", "PreTrainedTokenizerFast");
            WriteText(json, "unk_token", tokenizer.UnkToken);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteText(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
            json.WriteString(name, value);
    }

    private static Tokenizer WithConfig(Tokenizer tokenizer, string directory)
    {
        string path = Path.Combine(directory, ConfigFile);
        if (File.Exists(path))
            ReadConfig(tokenizer, path);
        foreach (string template in TemplateFiles(directory))
            tokenizer.ChatTemplates[Path.GetFileNameWithoutExtension(template)] = ReadSmall(template);
        if (File.Exists(Path.Combine(directory, TemplateFile)))
            tokenizer.ChatTemplate = ReadSmall(Path.Combine(directory, TemplateFile));
        return tokenizer;
    }

    private static IEnumerable<string> TemplateFiles(string directory) => _templateFolders.Select(folder => Path.Combine(directory, folder))
        .Where(Directory.Exists).SelectMany(folder => Directory.EnumerateFiles(folder, "*" + TemplateExtension)).Order(StringComparer.Ordinal);

    private static string ReadSmall(string path) => new FileInfo(path).Length > LargestConfig
        ? throw new TokenizerFileException(path, $"is longer than {LargestConfig} bytes.")
        : File.ReadAllText(path);

    // One template is a string, several are a list of named ones.
    private static void WriteTemplates(Utf8JsonWriter json, Tokenizer tokenizer)
    {
        if (tokenizer.ChatTemplates.Count == 0 || (tokenizer.ChatTemplates.Count == 1 && tokenizer.ChatTemplate is not null))
        {
            WriteText(json, "chat_template", tokenizer.ChatTemplate);
            return;
        }

        json.WriteStartArray("chat_template");
        foreach ((string name, string template) in tokenizer.ChatTemplates)
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteString("template", template);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    // In files of before tokenizer.json this one wins over the configuration: models of Stable Diffusion 2 name what fills texts here.
    private static Tokenizer WithRoles(Tokenizer tokenizer, string directory)
    {
        string path = Path.Combine(directory, RolesFile);
        if (File.Exists(path))
            ReadSettings(path, root => ReadRoles(root, tokenizer));
        return tokenizer;
    }

    private static void ReadConfig(Tokenizer tokenizer, string path) => ReadSettings(path, root =>
    {
        ReadRoles(root, tokenizer);
        ReadTemplates(root, tokenizer);
    });

    private static void ReadRoles(JsonFields root, Tokenizer tokenizer)
    {
        tokenizer.BosToken = ReadToken(root, "bos_token") ?? tokenizer.BosToken;
        tokenizer.EosToken = ReadToken(root, "eos_token") ?? tokenizer.EosToken;
        tokenizer.PadToken = ReadToken(root, "pad_token") ?? tokenizer.PadToken;
        tokenizer.UnkToken = ReadToken(root, "unk_token") ?? tokenizer.UnkToken;
    }

    private static void ReadSettings(string path, Action<JsonFields> read)
    {
        if (new FileInfo(path).Length > LargestConfig)
            throw new TokenizerFileException(path, $"is longer than {LargestConfig} bytes.");
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            read(new JsonFields(path, document.RootElement, JsonFields.Root));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new TokenizerFileException(path, $"is no valid JSON ({e.Message.TrimEnd('.')}).", e);
        }
    }

    /// <summary>A token is a string, or an object with its content.</summary>
    private static string? ReadToken(JsonFields root, string name) => root.Find(name) switch
    {
        null => null,
        { Element.ValueKind: JsonValueKind.Object } token => token.Require("content").Text(),
        { } token => token.Text(),
    };

    /// <summary>A template is a string, or a list of named ones.</summary>
    private static void ReadTemplates(JsonFields root, Tokenizer tokenizer)
    {
        switch (root.Find("chat_template"))
        {
            case null:
                break;
            case { Element.ValueKind: JsonValueKind.Array } list:
                foreach (JsonFields template in list.Items())
                    tokenizer.ChatTemplates[template.Require("name").Text()] = template.Require("template").Text();
                break;
            case { } template:
                tokenizer.ChatTemplate = template.Text();
                break;
        }
    }
}
