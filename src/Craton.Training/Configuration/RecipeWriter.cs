using System.Globalization;
using System.Text;

namespace Craton.Training.Configuration;

/// <summary>
/// Writes a recipe with every value it has, defaults included, as YAML that <see cref="RecipeReader"/> reads back to an equal
/// recipe. The same recipe gives the same bytes.
/// </summary>
public static class RecipeWriter
{
    /// <summary>Writes a recipe.</summary>
    /// <param name="kind">Its kind, for the key <c>recipe</c>.</param>
    /// <param name="recipe">The record.</param>
    public static string Write(string kind, RecipePart recipe)
    {
        var yaml = new StringBuilder().Append(RecipeReader.KindKey).Append(": ").Append(Text(kind)).Append('\n');
        WriteMembers(yaml, recipe, "");
        return yaml.ToString();
    }

    private static void WriteMembers(StringBuilder yaml, RecipePart record, string indent)
    {
        foreach (RecipeShape.Member member in RecipeShape.Of(record).Members)
        {
            yaml.Append(indent).Append(member.Key).Append(':');
            WriteValue(yaml, member.Property.GetValue(record), indent);
        }
    }

    private static void WriteValue(StringBuilder yaml, object? value, string indent)
    {
        if (value is RecipePart part)
        {
            if (RecipeShape.Of(part).Members.Count == 0)
            {
                yaml.Append(" {}\n");
                return;
            }
            yaml.Append('\n');
            WriteMembers(yaml, part, indent + "  ");
        }
        else if (value is System.Collections.IEnumerable list and not string)
        {
            WriteList(yaml, [.. list.Cast<object>()], indent);
        }
        else
        {
            yaml.Append(' ').Append(Scalar(value)).Append('\n');
        }
    }

    private static void WriteList(StringBuilder yaml, object[] items, string indent)
    {
        if (items is not [RecipePart, ..])
        {
            yaml.Append(" [").AppendJoin(", ", items.Select(Scalar)).Append("]\n");
            return;
        }
        yaml.Append('\n');
        foreach (RecipePart item in items.Cast<RecipePart>())
        {
            var inner = new StringBuilder();
            WriteMembers(inner, item, indent + "    ");
            yaml.Append(indent).Append("  - ").Append(inner.ToString().TrimStart(' '));
        }
    }

    private static string Scalar(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        string text => Text(text),
        Enum choice => RecipeShape.KeyOf(choice.ToString()),
        float or double => ((IFormattable)value).ToString("R", CultureInfo.InvariantCulture).Replace('E', 'e'),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => throw new NotSupportedException($"Recipes have no values of type {value.GetType()}."),
    };

    /// <summary>A text as it is when that cannot be taken for anything else, otherwise in double quotes with YAML's escapes.</summary>
    private static string Text(string text)
    {
        bool plain = text.Length > 0 && char.IsAsciiLetter(text[0]) && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '/')
            && text is not ("null" or "true" or "false");
        if (plain) return text;
        var quoted = new StringBuilder("\"");
        foreach (Rune rune in text.EnumerateRunes())
        {
            int c = rune.Value;
            _ = c switch
            {
                '"' => quoted.Append("\\\""),
                '\\' => quoted.Append("\\\\"),
                '\n' => quoted.Append("\\n"),
                '\t' => quoted.Append("\\t"),
                _ when c < ' ' || c is >= 0x7F and <= 0xA0 or 0x2028 or 0x2029 or 0xFEFF or >= 0xFFFE => quoted.Append(CultureInfo.InvariantCulture, $"\\U{c:X8}"),
                _ => quoted.Append((char)c),
            };
        }
        return quoted.Append('"').ToString();
    }
}
