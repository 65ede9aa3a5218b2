using System.Globalization;
using System.Numerics;
using System.Text;

namespace Craton.Tokenizers.Templates;

/// <summary>Numbers and strings as they are written in expressions.</summary>
internal static class Literals
{
    private const int MaxDigits = 4300;

    /// <summary>An integer: decimal, or with <c>0x</c>, <c>0o</c>, <c>0b</c>; <c>_</c> may separate digits.</summary>
    public static object Integer(string text)
    {
        text = text.Replace("_", "", StringComparison.Ordinal);
        if (text.Length > MaxDigits)
            throw new TemplateLimitException($"the chat template has an integer of more than {MaxDigits:N0} digits");
        return Parse(text, text.Length > 1 && text[0] == '0' ? char.ToLowerInvariant(text[1]) : '0');
    }

    /// <summary>Digits of a base up to 36 as an integer; null where they are none.</summary>
    public static BigInteger? Digits(string text, int numberBase)
    {
        if (text.Length is 0 or > MaxDigits)
            return null;
        BigInteger value = 0;
        foreach (char c in text)
        {
            int digit = char.IsAsciiDigit(c) ? c - '0' : char.IsAsciiLetter(c) ? char.ToLowerInvariant(c) - 'a' + 10 : 99;
            if (digit >= numberBase)
                return null;
            value = value * numberBase + digit;
        }

        return value;
    }

    /// <summary>Takes a string and replaces its escapes, as Python does.</summary>
    public static string String(TokenStream tokens)
    {
        ReadOnlySpan<char> text = tokens.Current.Value.AsSpan()[1..^1];
        var value = new StringBuilder(text.Length);
        while (text.IndexOf('\\') is >= 0 and int escape)
        {
            value.Append(text[..escape]);
            text = text[(escape + 1)..];
            text = text[Escape(tokens, text, value)..];
        }

        _ = tokens.Take();
        return value.Append(text).ToString();
    }

    private static BigInteger Parse(string text, char prefix) => prefix switch
    {
        'x' => Digits(text[2..], 16)!.Value,
        'o' => Digits(text[2..], 8)!.Value,
        'b' => Digits(text[2..], 2)!.Value,
        _ => BigInteger.Parse(text, CultureInfo.InvariantCulture),
    };

    // Appends what the escape stands for; gives the number of characters behind the backslash that it took.
    private static int Escape(TokenStream tokens, ReadOnlySpan<char> text, StringBuilder value)
    {
        const string Simple = "\\'\"abfnrtv", Meanings = "\\'\"\a\b\f\n\r\t\v";
        char kind = text[0];
        if (Simple.IndexOf(kind, StringComparison.Ordinal) is >= 0 and int simple)
        {
            value.Append(Meanings[simple]);
            return 1;
        }

        if (kind == '\n')
            return 1;
        if (kind is >= '0' and <= '7')
        {
            int length = 1;
            while (length < 3 && length < text.Length && text[length] is >= '0' and <= '7')
                length++;
            value.Append((char)Convert.ToInt32(text[..length].ToString(), 8));
            return length;
        }

        int digits = kind switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (kind == 'N')
            throw tokens.Fault("escapes with names of characters (\\N) are not supported; write \\u with its number");
        if (digits == 0)
        {
            value.Append('\\').Append(kind);
            return 1;
        }

        if (text.Length <= digits || !uint.TryParse(text.Slice(1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint code) || code > 0x10FFFF)
            throw tokens.Fault($"the escape \\{kind} needs {digits} hexadecimal digits of a character");
        _ = code < 0x10000 ? value.Append((char)code) : value.Append(char.ConvertFromUtf32((int)code));
        return 1 + digits;
    }
}
