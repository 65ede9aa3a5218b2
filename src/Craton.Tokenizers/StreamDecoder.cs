using System.Text;

namespace Craton.Tokenizers;

/// <summary>
/// Decodes ids as they are generated. Text comes out only when it ends in a complete character: a character that is spread over
/// several tokens is held back until its last byte, and so is U+FFFD, which could still turn into something else. All pieces
/// together are what <see cref="Tokenizer.Decode"/> gives for all ids, where what a token adds never changes what came before it.
/// </summary>
/// <param name="tokenizer">The vocabulary.</param>
/// <param name="skipSpecial">Leave special tokens out.</param>
public sealed class StreamDecoder(Tokenizer tokenizer, bool skipSpecial = true)
{
    // The ids since the last but one text that came out: the first of them stand before the next text and shape its start.
    private readonly List<int> _ids = [];
    private string _before = "";
    private int _beforeIds;

    /// <summary>Takes one id; gives the text that is complete with it, often empty.</summary>
    public string Feed(int id) => Feed([id]);

    /// <summary>Takes ids; gives the text that is complete with the last of them.</summary>
    public string Feed(ReadOnlySpan<int> ids)
    {
        _ids.AddRange(ids);
        string text = Decode();
        return text.Length <= _before.Length || text.EndsWith('\uFFFD') ? "" : Take(text);
    }

    /// <summary>Gives the rest, with U+FFFD for bytes that never became a character, and starts anew.</summary>
    public string Flush()
    {
        string rest = Take(Decode());
        _ids.Clear();
        (_before, _beforeIds) = ("", 0);
        return rest;
    }

    private string Decode() => tokenizer.Decode(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_ids), skipSpecial);

    /// <summary>The part of a decoded text that has not come out yet.</summary>
    private string Take(string text)
    {
        string fresh = text[CommonPrefix(text, _before)..];
        _ids.RemoveRange(0, _beforeIds);
        _before = Decode();
        _beforeIds = _ids.Count;
        return fresh;
    }

    private static int CommonPrefix(string a, string b) => a.AsSpan().CommonPrefixLength(b);
}
