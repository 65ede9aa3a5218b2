using System.Text.Json;

namespace Craton.Tokenizers.Files;

/// <summary>Reads the fields of a tokenizer file and words what is wrong with them.</summary>
internal readonly record struct JsonFields(string File, JsonElement Element, string Name)
{
    /// <summary>The name of the outermost element.</summary>
    public const string Root = "the file";

    /// <summary>The exception that says what is wrong with this element.</summary>
    public TokenizerFileException Error(string problem) => new(File, $"{Name} {problem}.");

    /// <summary>The same for a component that exists but is not supported.</summary>
    public TokenizerFileException Unsupported(string what, string supported) =>
        new(File, $"{Name} uses {what}, which is not supported; supported: {supported}.");

    /// <summary>A field that must be there.</summary>
    public JsonFields Require(string field)
    {
        JsonFields? value = Find(field);
        return value ?? throw Error($"has no \"{field}\"");
    }

    /// <summary>A field that may be absent or null.</summary>
    public JsonFields? Find(string field)
    {
        RequireKind(JsonValueKind.Object);
        return Element.TryGetProperty(field, out JsonElement value) && value.ValueKind != JsonValueKind.Null
            ? new JsonFields(File, value, Name == Root ? field : $"{Name}.{field}")
            : null;
    }

    /// <summary>The type of a component.</summary>
    public string Type() => Require("type").Text();

    /// <summary>This element as a string.</summary>
    public string Text()
    {
        RequireKind(JsonValueKind.String);
        return Element.GetString()!;
    }

    /// <summary>This element as a token id.</summary>
    public int Id()
    {
        if (!TryId(Element, out int id))
            throw Error($"is {Short()}, expected an id from 0 to {MaxId}");
        return id;
    }

    /// <summary>An element as a token id; false when it is none. For long lists, where naming every element would cost most.</summary>
    public static bool TryId(JsonElement element, out int id)
    {
        id = -1;
        return element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out id) && id is >= 0 and <= MaxId;
    }

    /// <summary>A boolean field with its value where it is absent.</summary>
    public bool Flag(string field, bool absent)
    {
        if (Find(field) is not { } value)
            return absent;
        return value.Element.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw value.Error($"is {value.Short()}, expected true or false"),
        };
    }

    /// <summary>The items of an array.</summary>
    public IEnumerable<JsonFields> Items()
    {
        RequireKind(JsonValueKind.Array);
        (string file, string name) = (File, Name);
        return Element.EnumerateArray().Select((item, i) => new JsonFields(file, item, $"{name}[{i}]"));
    }

    /// <summary>The number of items of an array.</summary>
    public int Length()
    {
        RequireKind(JsonValueKind.Array);
        return Element.GetArrayLength();
    }

    /// <summary>One item of an array, by name.</summary>
    public JsonFields Item(int number, JsonElement item) => new(File, item, $"{Name}[{number}]");

    /// <summary>The properties of an object.</summary>
    public JsonElement.ObjectEnumerator Properties()
    {
        RequireKind(JsonValueKind.Object);
        return Element.EnumerateObject();
    }

    /// <summary>The start of the JSON of this element, for messages.</summary>
    public string Short()
    {
        string text = Element.GetRawText();
        return text.Length <= 60 ? text : text[..60] + "…";
    }

    /// <summary>The largest id accepted: larger ones would only allocate.</summary>
    private const int MaxId = (1 << 24) - 1;

    private void RequireKind(JsonValueKind kind)
    {
        if (Element.ValueKind != kind)
            throw Error($"is {(Element.ValueKind == JsonValueKind.Undefined ? "absent" : Short())}, expected {Expected(kind)}");
    }

    private static string Expected(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        _ => "a string",
    };
}
