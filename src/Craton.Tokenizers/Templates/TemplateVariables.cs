using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Craton.Tokenizers.Templates;

/// <summary>The variables of a rendering. What they hold is data: no text of theirs can become a control token, unless it is added as trusted.</summary>
public sealed class TemplateVariables
{
    private static readonly string[] _roles = ["system", "developer", "user", "assistant", "tool", "function", "ipython"];

    internal Dictionary<string, object> Values { get; } = [];

    /// <summary>Sets a variable from JSON: numbers with a point or an exponent are floats, others integers of any size.</summary>
    /// <exception cref="TemplateException">A string is no valid text, or the value nests too deep.</exception>
    public TemplateVariables Set(string name, JsonElement value)
    {
        Values[name] = Convert(value);
        return this;
    }

    /// <summary>Sets a truth value.</summary>
    public TemplateVariables Set(string name, bool value)
    {
        Values[name] = value;
        return this;
    }

    /// <summary>Sets a text that counts as the template's own, such as the tokenizer's <c>bos_token</c>.</summary>
    public TemplateVariables SetTrusted(string name, string text)
    {
        Values[name] = Text.Own(text);
        return this;
    }

    private static object Convert(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                OrderedDictionary<object, object> entries = DictValue.NewEntries();
                foreach (JsonProperty property in value.EnumerateObject())
                    entries[Text.Foreign(property.Name)] = property.Name == "role" && Role(property.Value) is { } role ? role : Convert(property.Value);
                return new DictValue(entries);
            case JsonValueKind.Array:
                return new ListValue([.. value.EnumerateArray().Select(Convert)]);
            case JsonValueKind.String:
                return Text.Foreign(String(value));
            case JsonValueKind.Number:
                string number = value.GetRawText();
                return number.AsSpan().ContainsAny(".eE") ? double.Parse(number, CultureInfo.InvariantCulture) : Integer(number);
            case JsonValueKind.True or JsonValueKind.False:
                return value.GetBoolean();
            default:
                return None.Value;
        }
    }

    // Templates put roles into control tokens ('<|' + role + '|>'), so the known ones count as the template's own words.
    private static Text? Role(JsonElement value) =>
        value.ValueKind == JsonValueKind.String && Array.Find(_roles, value.ValueEquals) is { } role ? Text.Own(role) : null;

    private static object Integer(string number)
    {
        const int MaxDigits = 4300;
        return number.Length <= MaxDigits
            ? BigInteger.Parse(number, CultureInfo.InvariantCulture)
            : throw new TemplateLimitException($"a number in the conversation has more than {MaxDigits:N0} digits");
    }

    private static string String(JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new TemplateException("a text of the conversation holds half a surrogate pair; send valid Unicode");
        }
    }
}
