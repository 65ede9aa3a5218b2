using System.Numerics;
using System.Text;

namespace Craton.Tokenizers.Templates;

/// <summary>The methods of strings.</summary>
internal static class TextMethods
{
    public static readonly Dictionary<string, Function> All = Methods.Named(
    [
        new("strip", "self chars?", (run, a) => TextParts.Strip(run, a.Text(0), a.Find(1), TextSides.Both)),
        new("lstrip", "self chars?", (run, a) => TextParts.Strip(run, a.Text(0), a.Find(1), TextSides.Left)),
        new("rstrip", "self chars?", (run, a) => TextParts.Strip(run, a.Text(0), a.Find(1), TextSides.Right)),
        new("split", "self sep? maxsplit?", (run, a) => new ListValue(TextParts.Split(run, a.Text(0), Separator(a), a.Int(2, -1)))),
        new("rsplit", "self sep? maxsplit?", (run, a) => new ListValue(TextParts.SplitFromRight(run, a.Text(0), Separator(a), a.Int(2, -1)))),
        new("splitlines", "self keepends?", (run, a) => new ListValue(TextParts.Lines(run, a.Text(0), a.Flag(1)))),
        new("partition", "self sep", (run, a) => TextParts.Partition(run, a.Text(0), a.Text(1), last: false)),
        new("rpartition", "self sep", (run, a) => TextParts.Partition(run, a.Text(0), a.Text(1), last: true)),
        new("replace", "self old new count?", (run, a) => TextParts.Replace(run, a.Text(0), a.Text(1), a.Text(2), a.Int(3, -1))),
        new("join", "self items", (run, a) => Join(run, a.Text(0), Types.Iterate(run, a[1]))),
        new("startswith", "self prefix start? end?", (run, a) => Affix(run, a, (text, affix) => text.StartsWith(affix, StringComparison.Ordinal))),
        new("endswith", "self suffix start? end?", (run, a) => Affix(run, a, (text, affix) => text.EndsWith(affix, StringComparison.Ordinal))),
        new("removeprefix", "self prefix", (_, a) => a.Text(0).Value.StartsWith(a.Text(1).Value, StringComparison.Ordinal) ? a.Text(0).Slice(a.Text(1).Length, a.Text(0).Length) : a[0]),
        new("removesuffix", "self suffix", (_, a) => a.Text(0).Value.EndsWith(a.Text(1).Value, StringComparison.Ordinal) ? a.Text(0).Slice(0, a.Text(0).Length - a.Text(1).Length) : a[0]),
        new("find", "self sub start? end?", (run, a) => Find(run, a, last: false)),
        new("rfind", "self sub start? end?", (run, a) => Find(run, a, last: true)),
        new("index", "self sub start? end?", (run, a) => Found(Find(run, a, last: false))),
        new("rindex", "self sub start? end?", (run, a) => Found(Find(run, a, last: true))),
        new("count", "self sub start? end?", (run, a) => Count(run, a)),
        new("upper", "self", (run, a) => Cased(run, a, TextCase.Upper)),
        new("lower", "self", (run, a) => Cased(run, a, TextCase.Lower)),
        new("casefold", "self", (run, a) => Cased(run, a, TextCase.Fold)),
        new("swapcase", "self", (run, a) => Cased(run, a, TextCase.Swap)),
        new("capitalize", "self", (run, a) => Cased(run, a, TextCase.Capitalize)),
        new("title", "self", (run, a) => Cased(run, a, TextCase.Title)),
        new("ljust", "self width fillchar?", (run, a) => Pad(run, a, '<')),
        new("rjust", "self width fillchar?", (run, a) => Pad(run, a, '>')),
        new("center", "self width fillchar?", (run, a) => Pad(run, a, '^')),
        new("zfill", "self width", (run, a) => ZeroFill(run, a.Text(0), a.Int(1))),
        new("expandtabs", "self tabsize?", (run, a) => TextParts.ExpandTabs(run, a.Text(0), a.Int(1, 8))),
        new("translate", "self table", (run, a) => Translate(run, a.Text(0), a[1])),
        new("encode", "self encoding? errors?", (run, a) => Encode(run, a.Text(0))),
        new("format", "self *", (run, a) => BraceFormat.Apply(run, a.Text(0), new Arguments([.. a.All.Positional.Skip(1)], a.All.Named))),
        new("format_map", "self mapping", (run, a) => BraceFormat.Apply(run, a.Text(0), new Arguments([], Names(run, a[1])))),
        new("isdigit", "self", (run, a) => Every(run, a, r => Rune.GetNumericValue(r) is >= 0 and <= 9 && Rune.IsDigit(r) || r.Value is 0xB2 or 0xB3 or 0xB9)),
        new("isdecimal", "self", (run, a) => Every(run, a, Rune.IsDigit)),
        new("isnumeric", "self", (run, a) => Every(run, a, Rune.IsNumber)),
        new("isalpha", "self", (run, a) => Every(run, a, Rune.IsLetter)),
        new("isalnum", "self", (run, a) => Every(run, a, r => Rune.IsLetter(r) || Rune.IsNumber(r))),
        new("isspace", "self", (run, a) => Every(run, a, TextParts.IsSpace)),
        new("isascii", "self", (run, a) => a.Text(0).Length == 0 || Every(run, a, r => r.IsAscii)),
        new("istitle", "self", (run, a) => HasCase(run, a, TextCase.Title)),
        new("isupper", "self", (run, a) => HasCase(run, a, TextCase.Upper)),
        new("islower", "self", (run, a) => HasCase(run, a, TextCase.Lower)),
    ]);

    /// <summary>Joins texts; every item must be one.</summary>
    private static Text Join(Run run, Text separator, object[] items)
    {
        var joined = new TextBuilder(run.Meter);
        for (int i = 0; i < items.Length; i++)
        {
            if (i > 0)
                joined.Append(separator);
            joined.Append(items[i] as Text ?? throw new RenderFault($"sequence item {i}: expected str instance, {Types.NameOf(items[i])} found"));
        }

        return joined.ToText();
    }

    private static Text? Separator(Bound a) => a.Has(1) ? a.Text(1) : null;

    private static Text Cased(Run run, Bound a, Func<string, string> change)
    {
        Text text = a.Text(0);
        // Some characters become several.
        run.Meter.Text(3L * text.Length);
        return text.With(change(text.Value));
    }

    private static bool HasCase(Run run, Bound a, Func<string, string> change)
    {
        Text text = a.Text(0);
        run.Meter.Text(3L * text.Length);
        return change(text.Value) == text.Value && TextCase.Swap(text.Value) != text.Value;
    }

    private static bool Every(Run run, Bound a, Predicate<Rune> holds)
    {
        Text text = a.Text(0);
        run.Meter.Text(text.Length);
        foreach (Rune rune in text.Value.EnumerateRunes())
        {
            if (!holds(rune))
                return false;
        }

        return text.Length > 0;
    }

    // The part of the string that optional bounds choose, and where it begins.
    private static (Text Part, int Start) Part(Run run, Bound a)
    {
        Text text = a.Text(0);
        run.Meter.Text(text.Length);
        if (!a.Has(2) && !a.Has(3))
            return (text, 0);
        int length = text.CodePoints, start = Place(a.Int(2, 0)), end = Place(a.Int(3, length));
        return (text.Slice(text.Place(start), text.Place(Math.Max(start, end))), start);

        int Place(int place) => Math.Clamp(place < 0 ? place + length : place, 0, length);
    }

    private static bool Affix(Run run, Bound a, Func<string, string, bool> matches)
    {
        (Text part, _) = Part(run, a);
        object[] affixes = a[1] is TupleValue tuple ? tuple.Items : [a.Text(1)];
        return affixes.Any(affix => matches(part.Value, (affix as Text ?? throw new RenderFault("expected a string or a tuple of strings")).Value));
    }

    private static BigInteger Find(Run run, Bound a, bool last)
    {
        (Text part, int start) = Part(run, a);
        string sought = a.Text(1).Value;
        int place = last ? part.Value.LastIndexOf(sought, StringComparison.Ordinal) : part.Value.IndexOf(sought, StringComparison.Ordinal);
        return place < 0 ? -1 : start + part.CodePointAt(place);
    }

    private static object Found(BigInteger place) => place < 0 ? throw new RenderFault("substring not found") : place;

    private static object Count(Run run, Bound a)
    {
        (Text part, _) = Part(run, a);
        string sought = a.Text(1).Value;
        return new BigInteger(sought.Length == 0 ? part.CodePoints + 1 : part.Value.AsSpan().Count(sought));
    }

    private static Text Pad(Run run, Bound a, char align)
    {
        Text fill = a.Text(2, " ");
        if (fill.CodePoints != 1)
            throw new RenderFault("the fill character must be exactly one character long");
        Text text = a.Text(0);
        int width = Math.Max(0, a.Int(1)), missing = width - text.CodePoints;
        // Python puts the odd blank of center() on the left when the width is odd.
        if (align == '^' && missing > 0 && (missing & 1) == 1 && (width & 1) == 1)
        {
            run.Meter.Text(width);
            return Arithmetic.Join(run, Text.Foreign(fill.Value), (Text)new FormatSpec { Fill = fill.Value, Align = '^', Width = width - 1 }.Apply(run, text));
        }

        return new FormatSpec { Fill = fill.Value, Align = align, Width = width }.Apply(run, text);
    }

    private static Text ZeroFill(Run run, Text text, int width)
    {
        int sign = text.Length > 0 && text.Value[0] is '+' or '-' ? 1 : 0;
        Text digits = text.Slice(sign, text.Length);
        return Arithmetic.Join(run, text.Slice(0, sign), new FormatSpec { Fill = "0", Align = '>', Width = Math.Max(0, width - sign) }.Apply(run, digits));
    }

    private static Text Translate(Run run, Text text, object table)
    {
        DictValue map = table as DictValue ?? throw new RenderFault("translate: expected a mapping");
        var translated = new TextBuilder(run.Meter);
        foreach (Text character in text.Characters())
        {
            int code = Rune.TryGetRuneAt(character.Value, 0, out Rune rune) ? rune.Value : character.Value[0];
            translated.Append(Comparison.Find(run, map, new BigInteger(code)) switch
            {
                null => character,
                None => Text.Empty,
                Text other => other,
                BigInteger other when other >= 0 && other < 0x110000 && Rune.IsValid((int)other) => Text.Foreign(new Rune((int)other).ToString()),
                _ => throw new RenderFault("translate: values must be strings, code points or None"),
            });
        }

        return translated.ToText();
    }

    private static BytesValue Encode(Run run, Text text)
    {
        run.Meter.Text(3L * text.Length);
        return new BytesValue(Encoding.UTF8.GetBytes(text.Value));
    }

    private static Dictionary<string, object> Names(Run run, object mapping)
    {
        DictValue dictionary = mapping as DictValue ?? throw new RenderFault("format_map: expected a mapping");
        run.Meter.Steps(dictionary.Entries.Count);
        return dictionary.Entries.Where(e => e.Key is Text).ToDictionary(e => ((Text)e.Key).Value, e => e.Value);
    }
}
