using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Craton.Tokenizers.Pipeline;

/// <summary>Turns the spellings of tokens into text, step by step.</summary>
internal abstract class Decoder
{
    /// <summary>Changes the spellings; all of them joined are the text, or go on to the next decoder.</summary>
    public abstract List<string> Apply(List<string> tokens);

    /// <summary>Spacing before punctuation and contractions as in written English.</summary>
    protected static string CleanUp(string text)
    {
        foreach ((string spaced, string written) in _written)
            text = text.Replace(spaced, written, StringComparison.Ordinal);
        return text;
    }

    private static readonly (string, string)[] _written =
    [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" do not", " don't"),
        (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ];
}

/// <summary>One after the other.</summary>
internal sealed class SequenceDecoder(IReadOnlyList<Decoder> steps) : Decoder
{
    public override List<string> Apply(List<string> tokens) => steps.Aggregate(tokens, (all, step) => step.Apply(all));
}

/// <summary>Joins tokens with a blank: what is done where a file names no decoder.</summary>
internal sealed class BlankDecoder : Decoder
{
    public override List<string> Apply(List<string> tokens) => [string.Join(' ', tokens)];
}

/// <summary>Joins all to one.</summary>
internal sealed class FuseDecoder : Decoder
{
    public override List<string> Apply(List<string> tokens) => [string.Concat(tokens)];
}

/// <summary>The bytes that the characters of the byte-level alphabet stand for.</summary>
internal sealed class ByteLevelDecoder : Decoder
{
    public override List<string> Apply(List<string> tokens) =>
        [Encoding.UTF8.GetString([.. tokens.SelectMany(ByteLevelAlphabet.Decode)])];
}

/// <summary>Tokens such as <c>&lt;0x0A&gt;</c> as their bytes; bytes that follow each other and are no valid UTF-8 become U+FFFD each.</summary>
internal sealed class ByteFallbackDecoder : Decoder
{
    public override List<string> Apply(List<string> tokens)
    {
        var result = new List<string>(tokens.Count);
        var bytes = new List<byte>();
        foreach (string token in tokens)
        {
            if (ByteOf(token) is byte value)
            {
                bytes.Add(value);
                continue;
            }

            Flush(bytes, result);
            result.Add(token);
        }

        Flush(bytes, result);
        return result;
    }

    /// <summary>The byte that a token stands for, or null.</summary>
    public static byte? ByteOf(string token) =>
        token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
        && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value) ? value : null;

    private static void Flush(List<byte> bytes, List<string> result)
    {
        if (bytes.Count == 0)
            return;
        if (System.Text.Unicode.Utf8.IsValid(CollectionsMarshal.AsSpan(bytes)))
            result.Add(Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(bytes)));
        else
            result.AddRange(Enumerable.Repeat("\uFFFD", bytes.Count));
        bytes.Clear();
    }
}

/// <summary>Marks of word starts as blanks; the first token loses its own where the text had none.</summary>
internal sealed class MetaspaceDecoder(string mark, bool keepsFirst) : Decoder
{
    public override List<string> Apply(List<string> tokens) =>
        [.. tokens.Select((token, i) => token.Replace(mark, i == 0 && !keepsFirst ? "" : " ", StringComparison.Ordinal))];
}

/// <summary>Tokens without the prefix begin a word.</summary>
internal sealed class WordPieceDecoder(string prefix, bool cleanUp) : Decoder
{
    public override List<string> Apply(List<string> tokens) =>
        [.. tokens.Select(Join).Select(token => cleanUp ? CleanUp(token) : token)];

    private string Join(string token, int index) =>
        index == 0 ? token : token.StartsWith(prefix, StringComparison.Ordinal) ? token[prefix.Length..] : " " + token;
}

/// <summary>The mark of word ends as blanks, not at the end of the text.</summary>
internal sealed class BpeSuffixDecoder(string suffix) : Decoder
{
    public override List<string> Apply(List<string> tokens) =>
        [.. tokens.Select((token, i) => suffix.Length == 0 ? token
            : token.Replace(suffix, i == tokens.Count - 1 ? "" : " ", StringComparison.Ordinal))];
}

/// <summary>Connectionist temporal classification (Graves et al. 2006): repeats are one, padding is nothing.</summary>
internal sealed class CtcDecoder(string pad, string delimiter, bool cleanUp) : Decoder
{
    public override List<string> Apply(List<string> tokens)
    {
        var result = new List<string>(tokens.Count);
        for (int i = 0; i < tokens.Count; i++)
        {
            if (i > 0 && tokens[i] == tokens[i - 1])
                continue;
            string token = tokens[i].Replace(pad, "", StringComparison.Ordinal);
            if (cleanUp)
                token = CleanUp(token).Replace(delimiter, " ", StringComparison.Ordinal);
            if (token.Length > 0)
                result.Add(token);
        }

        return result;
    }
}

/// <summary>Leaves up to some characters at the ends of each token out.</summary>
internal sealed class StripDecoder(string content, int start, int stop) : Decoder
{
    public override List<string> Apply(List<string> tokens) => tokens.ConvertAll(Strip);

    private string Strip(string token)
    {
        for (int i = 0; i < start && token.StartsWith(content, StringComparison.Ordinal); i++)
            token = token[content.Length..];
        for (int i = 0; i < stop && token.EndsWith(content, StringComparison.Ordinal); i++)
            token = token[..^content.Length];
        return token;
    }
}

/// <summary>Replaces what a pattern matches in each token.</summary>
internal sealed class ReplaceDecoder(TextPattern pattern, string content) : Decoder
{
    private readonly int[] _content = AlignedText.CodesOf(content);

    public override List<string> Apply(List<string> tokens) =>
        tokens.ConvertAll(token => AlignedText.Of(token).Replace(pattern, _content).ToString());
}
