using System.Buffers;
using System.Numerics;
using System.Text;

namespace Craton.Tokenizers.Templates;

/// <summary>Filters that make texts; most take any value as text first.</summary>
internal static class TextFilters
{
    private static readonly SearchValues<char> _notInNames = SearchValues.Create(" \t\n\r\f/>=");

    public static IEnumerable<Function> All =>
    [
        new("string", "value", (run, a) => Printing.Str(run, a[0])),
        new("safe", "value", (run, a) => Escaped(Printing.Str(run, a[0]))),
        new("escape", "value", Escape),
        new("e", "value", Escape),
        new("forceescape", "value", (run, a) => EscapeHtml(run, Printing.Str(run, a[0]))),
        new("upper", "value", (run, a) => Cased(run, a, TextCase.Upper)),
        new("lower", "value", (run, a) => Cased(run, a, TextCase.Lower)),
        new("capitalize", "value", (run, a) => Cased(run, a, TextCase.Capitalize)),
        new("title", "value", (run, a) => Cased(run, a, TextCase.TitleFilter)),
        new("trim", "value chars?", (run, a) => TextParts.Strip(run, Printing.Str(run, a[0]), a.Find(1), TextSides.Both)),
        new("replace", "value old new count?", (run, a) => TextParts.Replace(run, Printing.Str(run, a[0]), Printing.Str(run, a[1]), Printing.Str(run, a[2]), a.Int(3, -1))),
        new("center", "value width?", (run, a) => TextMethods.All["center"].Call(run, new Arguments([Printing.Str(run, a[0]), new BigInteger(a.Int(1, 80))], Arguments.None.Named))),
        new("format", "value *", (run, a) => PercentFormat.Apply(run, Printing.Str(run, a[0]), Values(run, a.All))),
        new("indent", "value width? first? blank?", Indent),
        new("truncate", "value length? killwords? end? leeway?", Truncate),
        new("wordcount", "value", (run, a) => new BigInteger(Words(run, Printing.Str(run, a[0])))),
        new("wordwrap", "value width? break_long_words? wrapstring? break_on_hyphens?", (run, a) =>
            WordWrap.Apply(run, a.Text(0), a.Int(1, 79), a.Flag(2, true), a.Text(3, "\n"), a.Flag(4, true))),
        new("striptags", "value", (run, a) => StripTags(run, Printing.Str(run, a[0]))),
        new("urlencode", "value", UrlEncode),
        new("xmlattr", "value autospace?", XmlAttributes),
    ];

    private static Text Cased(Run run, Bound a, Func<string, string> change)
    {
        Text text = Printing.Str(run, a[0]);
        run.Meter.Text(3L * text.Length);
        return text.With(change(text.Value));
    }

    private static Text Escaped(Text text) => new(text.Value, text.Trusted.ToArray(), text.Generated.ToArray()) { IsEscaped = true };

    private static Text Escape(Run run, Bound a) =>
        a[0] is Text { IsEscaped: true } escaped ? escaped : EscapeHtml(run, Printing.Str(run, a[0]));

    private static Text EscapeHtml(Run run, Text text)
    {
        foreach ((string plain, string escape) in new[] { ("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("'", "&#39;"), ("\"", "&#34;") })
            text = TextParts.Replace(run, text, Text.Own(plain), Text.Own(escape), -1);
        return Escaped(text);
    }

    private static object Values(Run run, Arguments arguments)
    {
        if (arguments.Named.Count == 0)
            return new TupleValue([.. arguments.Positional.Skip(1)]);
        if (arguments.Positional.Count > 1)
            throw new RenderFault("format: positional and named arguments cannot be mixed");
        OrderedDictionary<object, object> entries = DictValue.NewEntries();
        foreach ((string name, object value) in arguments.Named)
            entries[Text.Own(name)] = value;
        return new DictValue(entries);
    }

    private static Text Indent(Run run, Bound a)
    {
        Text text = a.Text(0);
        int width = a.Find(1) is Text ? 0 : a.Int(1, 4);
        run.Meter.Text(Math.Max(0, width));
        Text indent = a.Find(1) as Text ?? Text.Own(new string(' ', Math.Max(0, width)));
        bool first = a.Flag(2), blank = a.Flag(3);
        var indented = new TextBuilder(run.Meter);
        // A last line end begins one more line.
        object[] lines = TextParts.Lines(run, Arithmetic.Join(run, text, Text.Own("\n")), keepEnds: false);
        for (int i = 0; i < lines.Length; i++)
        {
            var line = (Text)lines[i];
            if (i > 0)
                indented.Append(Text.Own("\n"));
            if (i == 0 ? first : blank || line.Length > 0)
                indented.Append(indent);
            indented.Append(line);
        }

        return indented.ToText();
    }

    private static object Truncate(Run run, Bound a)
    {
        int length = a.Int(1, 255), leeway = a.Int(4, 5);
        if (a[0] is not Text && Types.SizeOf(a[0]) <= (long)length + leeway)
            return a[0];
        Text text = a.Text(0), end = a.Text(3, "...");
        run.Meter.Text(text.Length);
        if (length < end.CodePoints || leeway < 0)
            throw new RenderFault($"truncate: expected a length of at least {end.CodePoints} and a leeway of at least 0");
        if (text.CodePoints <= (long)length + leeway)
            return text;
        Text kept = text.Slice(0, text.Place(length - end.CodePoints));
        if (!a.Flag(2) && kept.Value.LastIndexOf(' ') is >= 0 and int blank)
            kept = kept.Slice(0, blank);
        return Arithmetic.Join(run, kept, end);
    }

    private static int Words(Run run, Text text)
    {
        run.Meter.Text(text.Length);
        int words = 0;
        bool inside = false;
        foreach (Rune rune in text.Value.EnumerateRunes())
        {
            bool isWord = Rune.IsLetterOrDigit(rune) || rune.Value == '_' || Rune.IsNumber(rune);
            if (isWord && !inside)
                words++;
            inside = isWord;
        }

        return words;
    }

    private static Text StripTags(Run run, Text text)
    {
        var kept = new TextBuilder(run.Meter);
        int done = 0;
        for (int open; (open = text.Find("<", done)) >= 0;)
        {
            int close = text.Value.IndexOf('>', open);
            if (close < 0)
                break;
            kept.Append(text, done, open);
            done = close + 1;
        }

        kept.Append(text, done, text.Length);
        object[] words = TextParts.Split(run, kept.ToText(), null, -1);
        var joined = new TextBuilder(run.Meter);
        for (int i = 0; i < words.Length; i++)
        {
            if (i > 0)
                joined.Append(" ");
            joined.Append((Text)words[i]);
        }

        return joined.ToText();
    }

    private static Text UrlEncode(Run run, Bound a)
    {
        if (a[0] is DictValue or Sequence)
        {
            object[] pairs = a[0] is DictValue dictionary ? dictionary.Pairs() : ((Sequence)a[0]).Items;
            run.Meter.Steps(pairs.Length);
            return Text.Foreign(string.Join('&', pairs.Select(p => p is Sequence { Items: [object key, object value] }
                ? $"{Quote(run, Printing.Str(run, key), "", '+')}={Quote(run, Printing.Str(run, value), "", '+')}" : throw new RenderFault("urlencode: expected pairs"))));
        }

        return Text.Foreign(Quote(run, Printing.Str(run, a[0]), "/", null));
    }

    private static string Quote(Run run, Text text, string safe, char? blank)
    {
        run.Meter.Text(9L * text.Length);
        var quoted = new StringBuilder();
        foreach (byte b in Encoding.UTF8.GetBytes(text.Value))
        {
            if (char.IsAsciiLetterOrDigit((char)b) || "_.-~".Contains((char)b) || safe.Contains((char)b))
                quoted.Append((char)b);
            else if (b == ' ' && blank is { } sign)
                quoted.Append(sign);
            else
                quoted.Append('%').Append(b.ToString("X2", null));
        }

        return quoted.ToString();
    }

    private static Text XmlAttributes(Run run, Bound a)
    {
        DictValue attributes = a[0] as DictValue ?? throw new RenderFault("xmlattr: expected a mapping");
        var text = new TextBuilder(run.Meter);
        foreach ((object key, object value) in attributes.Entries)
        {
            Text name = Printing.Str(run, key);
            if (value is None or Undefined)
                continue;
            if (name.Value.AsSpan().ContainsAny(_notInNames))
                throw new RenderFault($"xmlattr: '{name}' is no name of an attribute");
            if (text.Length > 0 || a.Flag(1, true))
                text.Append(" ");
            text.Append(EscapeHtml(run, name));
            text.Append("=\"");
            text.Append(EscapeHtml(run, Printing.Str(run, value)));
            text.Append("\"");
        }

        return text.ToText();
    }
}
