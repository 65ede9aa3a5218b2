using System.Globalization;
using System.Numerics;
using System.Text;

namespace Craton.Tokenizers.Templates;

/// <summary>Values as text: Python's <c>str</c> and <c>repr</c>.</summary>
internal static class Printing
{
    /// <summary>A value as output shows it.</summary>
    public static Text Str(Run run, object value) => value switch
    {
        Text text => text,
        Undefined => Text.Empty,
        _ => Repr(run, value),
    };

    /// <summary>A value as it would be written in Python.</summary>
    public static Text Repr(Run run, object value)
    {
        var text = new TextBuilder(run.Meter);
        Write(run, text, value);
        // Of letters and digits alone no control token is made, so they are as good as written by the template.
        return value is bool or None or BigInteger or double ? Text.Own(text.ToText().Value) : text.ToText();
    }

    private static void Write(Run run, TextBuilder text, object value)
    {
        run.Meter.Steps(1);
        switch (value)
        {
            case Undefined: text.Append("Undefined"); break;
            case Text t: text.Append(Quote(t.Value)); break;
            case ListValue list: WriteItems(run, text, list.Items, "[", "]"); break;
            case TupleValue { Items: [var only] }: WriteItems(run, text, [only], "(", ",)"); break;
            case TupleValue tuple: WriteItems(run, text, tuple.Items, "(", ")"); break;
            case DictValue dictionary: WriteEntries(run, text, dictionary); break;
            case DictView view: WriteItems(run, text, view.Items, view.Type + "([", "])"); break;
            default: text.Append(Atom(value)); break;
        }
    }

    private static string Atom(object value) => value switch
    {
        None => "None",
        bool flag => flag ? "True" : "False",
        BigInteger number => number.ToString(CultureInfo.InvariantCulture),
        double number => Numbers.Print(number),
        RangeValue { Step: 1 } range => $"range({range.Start}, {range.Stop})",
        RangeValue range => $"range({range.Start}, {range.Stop}, {range.Step})",
        BytesValue bytes => Quote(bytes.Content),
        Function { Name: "dict" or "namespace" or "cycler" or "joiner" } type => $"<class '{type.Name}'>",
        Function function => $"<function {function.Name}>",
        BoundMethod method => $"<built-in method {method.Name}>",
        Macro macro => $"<Macro {Quote(macro.Name)}>",
        TemplateReference => "<TemplateReference None>",
        _ => $"<{Types.NameOf(value)} object>",
    };

    private static void WriteItems(Run run, TextBuilder text, object[] items, string open, string close)
    {
        text.Append(open);
        for (int i = 0; i < items.Length; i++)
        {
            if (i > 0)
                text.Append(", ");
            Write(run, text, items[i]);
        }

        text.Append(close);
    }

    private static void WriteEntries(Run run, TextBuilder text, DictValue dictionary)
    {
        text.Append("{");
        bool first = true;
        foreach ((object key, object value) in dictionary.Entries)
        {
            if (!first)
                text.Append(", ");
            first = false;
            Write(run, text, key);
            text.Append(": ");
            Write(run, text, value);
        }

        text.Append("}");
    }

    /// <summary>A string in quotes: single ones, unless it holds single and no double ones.</summary>
    public static string Quote(string value)
    {
        char quote = value.Contains('\'') && !value.Contains('"') ? '"' : '\'';
        var text = new StringBuilder().Append(quote);
        foreach (Rune rune in value.EnumerateRunes())
        {
            _ = rune.Value switch
            {
                '\\' => text.Append(@"\\"),
                '\n' => text.Append(@"\n"),
                '\r' => text.Append(@"\r"),
                '\t' => text.Append(@"\t"),
                int c when c == quote => text.Append('\\').Append(quote),
                int c when c == ' ' || IsPrintable(rune) => text.Append(rune),
                int c when c < 0x100 => text.Append(CultureInfo.InvariantCulture, $"\\x{c:x2}"),
                int c when c < 0x10000 => text.Append(CultureInfo.InvariantCulture, $"\\u{c:x4}"),
                int c => text.Append(CultureInfo.InvariantCulture, $"\\U{c:x8}"),
            };
        }

        return text.Append(quote).ToString();
    }

    private static string Quote(byte[] bytes)
    {
        string text = Quote(string.Concat(bytes.Select(b => b < 0x80 ? (char)b : '\uFFFD')));
        return "b" + string.Join(null, text.Split('\uFFFD').Zip(
            [.. bytes.Where(b => b >= 0x80).Select(b => $"\\x{b:x2}"), ""], (part, escaped) => part + escaped));
    }

    private static bool IsPrintable(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}
