using System.Globalization;
using System.Numerics;
using System.Text;

namespace Craton.Tokenizers.Templates;

/// <summary>How one value is laid out: what <c>%-08.2f</c> and <c>{:&lt;8.2f}</c> have in common.</summary>
internal sealed record FormatSpec
{
    private const int MaxPrecision = 1000;

    /// <summary>The character that fills up to <see cref="Width"/>.</summary>
    public string Fill { get; init; } = " ";

    /// <summary><c>&lt;</c>, <c>&gt;</c>, <c>^</c>, <c>=</c> (behind the sign), or 0: numbers to the right, others to the left.</summary>
    public char Align { get; init; }

    /// <summary>What stands for a plus: <c>+</c>, a blank, or 0 for nothing.</summary>
    public char Sign { get; init; }

    /// <summary>The alternate form.</summary>
    public bool Alternate { get; init; }

    /// <summary>The separator of thousands, or 0.</summary>
    public char Grouping { get; init; }

    /// <summary>The least width in characters.</summary>
    public int Width { get; init; }

    /// <summary>Decimals, significant digits, or the most characters of a string; -1 for none.</summary>
    public int Precision { get; init; } = -1;

    /// <summary>The conversion letter; 0 for the usual form of the type.</summary>
    public char Type { get; init; }

    /// <summary>Lays out a value.</summary>
    public Text Apply(Run run, object value)
    {
        // Memory is asked for below this line only.
        run.Meter.Text(Width);
        if (value is Undefined undefined)
            throw undefined.Fault();
        if (Precision > MaxPrecision && value is not Text)
            throw new RenderFault($"a format has a precision of {Precision}, more than {MaxPrecision}");
        bool isNumber = Numbers.IsNumber(value, out double number);
        if (!isNumber || Type == 's')
            return Pad(run, Shorten(Printing.Str(run, value)), isNumber: false);
        bool isReal = value is double || Type is 'e' or 'E' or 'f' or 'F' or 'g' or 'G' or '%';
        string digits = isReal ? Real(Math.Abs(number)) : Integer(value);
        string sign = (isReal ? double.IsNegative(number) : number < 0) ? "-" : Sign == '\0' ? "" : Sign.ToString();
        if (Align is '=' && Width > sign.Length + digits.Length)
            digits = digits.PadLeft(Width - sign.Length, Fill[0]);
        return Pad(run, Text.Own(sign + digits), isNumber: true);
    }

    private Text Shorten(Text text)
    {
        if (Type is not ('\0' or 's'))
            throw new RenderFault($"unknown format code '{Type}' for a value of type str");
        return Precision >= 0 && Precision < text.CodePoints ? text.Slice(0, text.Place(Precision)) : text;
    }

    private Text Pad(Run run, Text text, bool isNumber)
    {
        int missing = Width - text.CodePoints;
        if (missing <= 0)
            return text;
        char align = Align is '\0' or '=' ? (isNumber ? '>' : '<') : Align;
        int before = align == '>' ? missing : align == '^' ? missing / 2 : 0;
        var padded = new TextBuilder(run.Meter);
        for (int i = 0; i < before; i++)
            padded.Append(Fill);
        padded.Append(text);
        for (int i = before; i < missing; i++)
            padded.Append(Fill);
        return padded.ToText();
    }

    private string Integer(object value)
    {
        _ = Numbers.IsInteger(value, out BigInteger number);
        number = BigInteger.Abs(number);
        string digits = Type switch
        {
            '\0' or 'd' or 'n' => Group(number.ToString(CultureInfo.InvariantCulture)),
            'x' => Prefix("0x") + Base(number, 16),
            'X' => Prefix("0X") + Base(number, 16).ToUpperInvariant(),
            'o' => Prefix("0o") + Base(number, 8),
            'b' => Prefix("0b") + Base(number, 2),
            'c' when number < 0x110000 && Rune.IsValid((int)number) => new Rune((int)number).ToString(),
            _ => throw new RenderFault($"unknown format code '{Type}' for a value of type int"),
        };
        return Precision > digits.Length ? digits.PadLeft(Precision, '0') : digits;
    }

    private string Prefix(string prefix) => Alternate ? prefix : "";

    private static string Base(BigInteger number, int numberBase)
    {
        string digits = "";
        do
        {
            digits = "0123456789abcdef"[(int)(number % numberBase)] + digits;
            number /= numberBase;
        }
        while (!number.IsZero);
        return digits;
    }

    private string Real(double number)
    {
        if (!double.IsFinite(number))
            return Numbers.Print(number);
        string text = char.ToLowerInvariant(Type) switch
        {
            '\0' when Precision < 0 => Numbers.Print(number),
            'f' => Numbers.Fixed(number, Precision < 0 ? 6 : Precision),
            '%' => Numbers.Fixed(number * 100, Precision < 0 ? 6 : Precision) + "%",
            'e' => Scientific(number, Precision < 0 ? 6 : Precision),
            'g' or 'n' or '\0' => General(number, Precision < 0 ? 6 : Math.Max(Precision, 1)),
            _ => throw new RenderFault($"unknown format code '{Type}' for a value of type float"),
        };
        return Group(char.IsUpper(Type) ? text.ToUpperInvariant() : text);
    }

    private static string Scientific(double number, int decimals)
    {
        string text = number.ToString("E" + decimals, CultureInfo.InvariantCulture);
        int e = text.IndexOf('E', StringComparison.Ordinal);
        return $"{text[..e]}e{text[e + 1]}{text[(e + 2)..].TrimStart('0').PadLeft(2, '0')}";
    }

    private string General(double number, int digits)
    {
        string scientific = Scientific(number, digits - 1);
        int e = scientific.IndexOf('e', StringComparison.Ordinal), exponent = int.Parse(scientific[(e + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        if (exponent < -4 || exponent >= digits)
            return Alternate ? scientific : Bare(scientific[..e]) + scientific[e..];
        string text = Numbers.Fixed(number, Math.Max(0, digits - 1 - exponent));
        text = Alternate ? text : Bare(text);
        return Type == '\0' && !text.Contains('.') ? text + ".0" : text;
    }

    private static string Bare(string text) => text.Contains('.') ? text.TrimEnd('0').TrimEnd('.') : text;

    private string Group(string text)
    {
        if (Grouping == '\0')
            return text;
        int end = text.IndexOfAny(['.', 'e', '%']) is >= 0 and int point ? point : text.Length;
        for (int at = end - 3; at > 0; at -= 3)
            text = text.Insert(at, Grouping.ToString());
        return text;
    }
}
