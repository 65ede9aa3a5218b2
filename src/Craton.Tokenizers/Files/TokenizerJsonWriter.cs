using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Craton.Tokenizers.Bpe;

namespace Craton.Tokenizers.Files;

/// <summary>Writes <c>tokenizer.json</c> in the field order of Hugging Face <c>tokenizers</c>; equal tokenizers give equal bytes.</summary>
internal static class TokenizerJsonWriter
{
    /// <summary>The options of every JSON file written here.</summary>
    public static readonly JsonWriterOptions Options = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The file of a byte-level BPE tokenizer.</summary>
    public static byte[] Write(BpeTokenizer tokenizer) =>
        Write(tokenizer.AddedTokens, tokenizer.Components, json => WriteModel(json, tokenizer));

    /// <summary>A file with the model that <paramref name="writeModel"/> writes (the fields of an object).</summary>
    public static byte[] Write(IReadOnlyList<AddedToken> added, Components components, Action<Utf8JsonWriter> writeModel)
    {
        var buffer = new ArrayBufferWriter<byte>(1 << 16);
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("version", "1.0");
            WriteComponent(json, "truncation", components.Truncation);
            WriteComponent(json, "padding", components.Padding);
            json.WriteStartArray("added_tokens");
            foreach (AddedToken token in added)
                WriteAddedToken(json, token);
            json.WriteEndArray();
            WriteComponent(json, "normalizer", components.Normalizer);
            WriteComponent(json, "pre_tokenizer", components.PreTokenizer);
            WriteComponent(json, "post_processor", components.PostProcessor);
            WriteComponent(json, "decoder", components.Decoder);
            json.WriteStartObject("model");
            writeModel(json);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteComponent(Utf8JsonWriter json, string name, JsonElement component)
    {
        json.WritePropertyName(name);
        if (component.ValueKind == JsonValueKind.Undefined)
            json.WriteNullValue();
        else
            component.WriteTo(json);
    }

    private static void WriteAddedToken(Utf8JsonWriter json, AddedToken token)
    {
        json.WriteStartObject();
        json.WriteNumber("id", token.Id);
        json.WriteString("content", token.Content);
        json.WriteBoolean("single_word", token.SingleWord);
        json.WriteBoolean("lstrip", token.LeftStrip);
        json.WriteBoolean("rstrip", token.RightStrip);
        json.WriteBoolean("normalized", token.Normalized);
        json.WriteBoolean("special", token.Special);
        json.WriteEndObject();
    }

    private static void WriteModel(Utf8JsonWriter json, BpeTokenizer tokenizer)
    {
        BpeVocabulary vocabulary = tokenizer.Model.Vocabulary;
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        if (tokenizer.Components.Unknown is { } unknown)
            json.WriteString("unk_token", unknown);
        else
            json.WriteNull("unk_token");
        json.WriteNull("continuing_subword_prefix");
        json.WriteNull("end_of_word_suffix");
        json.WriteBoolean("fuse_unk", false);
        json.WriteBoolean("byte_fallback", false);
        json.WriteBoolean("ignore_merges", tokenizer.Model.IgnoreMerges);
        json.WriteStartObject("vocab");
        for (int id = 0; id < vocabulary.Count; id++)
        {
            if (vocabulary.KindOf(id) is TokenKind.Bytes or TokenKind.Text)
                json.WriteNumber(vocabulary.SpellingOf(id), id);
        }

        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach (Merge merge in tokenizer.Model.Merges)
        {
            json.WriteStartArray();
            json.WriteStringValue(vocabulary.SpellingOf(merge.Left));
            json.WriteStringValue(vocabulary.SpellingOf(merge.Right));
            json.WriteEndArray();
        }

        json.WriteEndArray();
    }
}
