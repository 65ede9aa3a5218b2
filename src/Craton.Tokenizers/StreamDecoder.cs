using System.Buffers;
using System.Text;

namespace Craton.Tokenizers;

/// <summary>
/// Decodes ids as they are generated. Text comes out only when it ends in a complete character: a character that is spread over
/// several tokens is held back until its last byte, and so is U+FFFD, which could still turn into something else. All pieces
/// together are what <see cref="Tokenizer.Decode"/> gives for all ids.
/// </summary>
/// <param name="tokenizer">The vocabulary.</param>
/// <param name="skipSpecial">Leave special tokens out.</param>
public sealed class StreamDecoder(Tokenizer tokenizer, bool skipSpecial = true)
{
    private readonly ArrayBufferWriter<byte> _pending = new();

    /// <summary>Takes one id; gives the text that is complete with it, often empty.</summary>
    public string Feed(int id) => Feed([id]);

    /// <summary>Takes ids; gives the text that is complete with the last of them.</summary>
    public string Feed(ReadOnlySpan<int> ids)
    {
        foreach (int id in ids)
        {
            if (!skipSpecial || !tokenizer.IsSpecial(id))
                _pending.Write(tokenizer.TokenBytes(id));
        }

        // Invalid or incomplete bytes decode as U+FFFD as well.
        _ = Rune.DecodeLastFromUtf8(_pending.WrittenSpan, out Rune last, out _);
        return last == Rune.ReplacementChar ? "" : Flush();
    }

    /// <summary>Gives the rest, with U+FFFD for bytes that never became a character, and starts anew.</summary>
    public string Flush()
    {
        string text = Encoding.UTF8.GetString(_pending.WrittenSpan);
        _pending.ResetWrittenCount();
        return text;
    }
}
