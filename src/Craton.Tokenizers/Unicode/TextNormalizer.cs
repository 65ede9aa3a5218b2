using System.Buffers;
using System.Text;

namespace Craton.Tokenizers.Unicode;

/// <summary>One change that a normaliser makes to all of a text.</summary>
internal enum NormalizationStep
{
    /// <summary>Canonical composition (Unicode Standard Annex 15).</summary>
    Nfc,

    /// <summary>Small letters, character by character.</summary>
    Lowercase,
}

/// <summary>Which bytes of the original text each byte of a changed text stands for.</summary>
/// <param name="Starts">First original byte, per byte.</param>
/// <param name="Ends">One past the last original byte, per byte.</param>
internal sealed record Alignment(int[] Starts, int[] Ends);

/// <summary>Changes text before it is cut into tokens, and keeps track of where each character came from.</summary>
internal sealed class TextNormalizer(IReadOnlyList<NormalizationStep> steps)
{
    /// <summary>True when there is nothing to do to any text.</summary>
    public bool IsEmpty => steps.Count == 0;

    /// <summary>True when the steps give back this text.</summary>
    public bool Keeps(ReadOnlySpan<byte> utf8)
    {
        foreach (NormalizationStep step in steps)
        {
            if (step == NormalizationStep.Lowercase ? !KeepsCase(utf8) : !KeepsComposition(utf8))
                return false;
        }

        return true;
    }

    /// <summary>Applies the steps in order to valid UTF-8.</summary>
    public byte[] Apply(ReadOnlySpan<byte> utf8, out Alignment alignment)
    {
        List<Character> text = Decode(utf8);
        foreach (NormalizationStep step in steps)
            text = step == NormalizationStep.Nfc ? Compose(text) : ToLower(text);
        return Encode(text, out alignment);
    }

    /// <summary>Applies the steps in order to a string.</summary>
    public string Apply(string text) => Encoding.UTF8.GetString(Apply(Encoding.UTF8.GetBytes(text), out _));

    private static bool KeepsCase(ReadOnlySpan<byte> utf8)
    {
        foreach (Rune rune in Runes(utf8))
        {
            if (Rune.ToLowerInvariant(rune) != rune || rune.Value == 0x130)
                return false;
        }

        return true;
    }

    private static bool KeepsComposition(ReadOnlySpan<byte> utf8)
    {
        // 0xCC begins U+0300: below it every character is its own composition.
        if (utf8.IndexOfAnyInRange((byte)0xCC, (byte)0xFF) < 0)
            return true;
        foreach (Rune rune in Runes(utf8))
        {
            if (CanonicalData.MayChangeUnderNfc(rune.Value))
                return false;
        }

        return true;
    }

    private static List<Character> ToLower(List<Character> text)
    {
        var result = new List<Character>(text.Count);
        foreach (Character c in text)
        {
            if (c.Code == 0x130)
            {
                // The only character whose small form is two: i and a dot above.
                result.Add(c with { Code = 'i' });
                result.Add(c with { Code = 0x307 });
            }
            else
            {
                result.Add(c with { Code = Rune.ToLowerInvariant(new Rune(c.Code)).Value });
            }
        }

        return result;
    }

    private static List<Character> Compose(List<Character> text)
    {
        List<(int Code, int Change)> codes = CanonicalComposition.Apply(text.ConvertAll(c => c.Code));
        var result = new List<Character>(codes.Count);
        int source = 0;
        foreach ((int code, int change) in codes)
        {
            // As in Hugging Face tokenizers: a composed character stands for the first of its parts, a new one for its predecessor.
            Character origin = text[change > 0 ? Math.Max(0, source - 1) : source];
            result.Add(origin with { Code = code });
            if (change <= 0)
                source += 1 - change;
        }

        return result;
    }

    private static List<Character> Decode(ReadOnlySpan<byte> utf8)
    {
        var text = new List<Character>(utf8.Length);
        for (int i = 0; i < utf8.Length;)
        {
            _ = Rune.DecodeFromUtf8(utf8[i..], out Rune rune, out int length);
            text.Add(new Character(rune.Value, i, i + length));
            i += length;
        }

        return text;
    }

    private static byte[] Encode(List<Character> text, out Alignment alignment)
    {
        var bytes = new ArrayBufferWriter<byte>(text.Count + 16);
        var starts = new List<int>(text.Count);
        var ends = new List<int>(text.Count);
        foreach (Character c in text)
        {
            int length = new Rune(c.Code).EncodeToUtf8(bytes.GetSpan(4));
            bytes.Advance(length);
            for (int i = 0; i < length; i++)
            {
                starts.Add(c.Start);
                ends.Add(c.End);
            }
        }

        alignment = new Alignment([.. starts], [.. ends]);
        return bytes.WrittenSpan.ToArray();
    }

    private static RuneEnumerable Runes(ReadOnlySpan<byte> utf8) => new(utf8);

    private readonly record struct Character(int Code, int Start, int End);

    /// <summary>Enumerates the runes of valid UTF-8.</summary>
    private ref struct RuneEnumerable(ReadOnlySpan<byte> utf8)
    {
        private ReadOnlySpan<byte> _rest = utf8;

        public Rune Current { get; private set; }

        public readonly RuneEnumerable GetEnumerator() => this;

        public bool MoveNext()
        {
            if (_rest.IsEmpty)
                return false;
            _ = Rune.DecodeFromUtf8(_rest, out Rune rune, out int length);
            Current = rune;
            _rest = _rest[length..];
            return true;
        }
    }
}
