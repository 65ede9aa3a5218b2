using System.Buffers;
using System.IO.Compression;
using System.Text;

namespace Craton.Evaluation;

/// <summary>
/// The size of the held-out documents after Brotli (RFC 7932) at its highest setting, one after another in one stream. It has not
/// seen the training text; it adapts to the documents as it goes, and knows some English and HTML from its built-in dictionary. A byte
/// 0xFF, which UTF-8 never contains, ends each document, so the documents can be told apart again.
/// </summary>
public static class BrotliBaseline
{
    private const int Quality = 11, Window = 24;
    private const byte EndOfDocument = 0xFF;

    /// <summary>Compressed size of documents and of their ends.</summary>
    /// <exception cref="Tensors.CratonException">There is no text.</exception>
    public static BitsPerByte Measure(IEnumerable<string> documents)
    {
        using var encoder = new BrotliEncoder(Quality, Window);
        var buffer = new byte[1 << 16];
        long bytes = 0, compressed = 0;
        foreach (string document in documents)
        {
            byte[] text = [.. Encoding.UTF8.GetBytes(document), EndOfDocument];
            bytes += text.Length - 1;
            Compress(text, isFinal: false);
        }
        Compress([], isFinal: true);
        return BitsPerByte.Of(8.0 * compressed, bytes);

        void Compress(ReadOnlySpan<byte> source, bool isFinal)
        {
            OperationStatus status;
            do
            {
                status = encoder.Compress(source, buffer, out int consumed, out int written, isFinal);
                if (status == OperationStatus.InvalidData) throw new InvalidOperationException("The Brotli encoder refused its input.");
                source = source[consumed..];
                compressed += written;
            }
            while (status == OperationStatus.DestinationTooSmall || !source.IsEmpty);
        }
    }
}
