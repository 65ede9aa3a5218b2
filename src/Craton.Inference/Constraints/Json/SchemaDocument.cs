using System.Globalization;
using System.Text.Json;

namespace Craton.Inference.Constraints.Json;

/// <summary>The text of a schema, and the places within it that references name.</summary>
internal sealed class SchemaDocument
{
    private SchemaDocument(JsonElement root) => Root = new Location(root, "#");

    public Location Root { get; }

    /// <exception cref="GrammarException">The text is too large or no JSON.</exception>
    public static SchemaDocument Parse(string schema)
    {
        Limits.CheckLength(schema, "schema");
        try
        {
            var options = new JsonDocumentOptions { MaxDepth = Limits.Nesting, AllowDuplicateProperties = false };
            using JsonDocument document = JsonDocument.Parse(schema, options);
            CheckStrings(document.RootElement);
            return new SchemaDocument(document.RootElement.Clone());
        }
        // Half a surrogate pair in a string is an invalid operation there.
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new GrammarException($"schema: cannot be read as JSON ({e.Message.Split(". ")[0].TrimEnd('.')}); correct it", e);
        }
    }

    /// <summary>Finds what <c>$ref</c> names.</summary>
    public Location Resolve(string reference, string pointer)
    {
        if (reference != "#" && !reference.StartsWith("#/", StringComparison.Ordinal))
            throw new GrammarException($"{pointer}: '{reference}' is no reference into this schema; expected '#' or '#/…', so put the schema under '$defs'");
        Location found = Root;
        foreach (string part in reference.Split('/').Skip(1))
        {
            string name = Uri.UnescapeDataString(part).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            found = Child(found.Schema, name) is { } child
                ? found.At(name, child)
                : throw new GrammarException($"{pointer}: '{reference}' names nothing in this schema; check its spelling");
        }

        return found;
    }

    private static JsonElement? Child(JsonElement parent, string name)
    {
        if (parent.ValueKind == JsonValueKind.Object)
            return parent.TryGetProperty(name, out JsonElement member) ? member : null;
        bool isIndex = int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int index);
        return parent.ValueKind == JsonValueKind.Array && isIndex && index < parent.GetArrayLength() ? parent[index] : null;
    }

    private static void CheckStrings(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
        {
            _ = value.GetString();
        }
        else if (value.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement item in value.EnumerateArray())
                CheckStrings(item);
        }
        else if (value.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty member in value.EnumerateObject())
            {
                _ = member.Name;
                CheckStrings(member.Value);
            }
        }
    }
}
