using System.Text;

namespace Craton.Tokenizers;

/// <summary>
/// Reads and writes SentencePiece <c>.model</c> files: a <c>ModelProto</c> message (sentencepiece_model.proto) with the pieces, the
/// settings of training, of which a few matter here, and those of the normaliser.
/// </summary>
internal static class SentencePieceFile
{
    private const long LargestFile = 256L << 20;

    /// <summary>Reads a file.</summary>
    public static SentencePieceTokenizer Load(string path)
    {
        var info = new FileInfo(path);
        if (!info.Exists)
            throw new TokenizerFileException(path, "does not exist; expected a SentencePiece model.");
        if (info.Length > LargestFile)
            throw new TokenizerFileException(path, $"is {info.Length} bytes long, expected at most {LargestFile}.");
        return Parse(File.ReadAllBytes(path), path);
    }

    /// <summary>Reads the content of a file.</summary>
    /// <param name="bytes">The message.</param>
    /// <param name="file">Its name, for messages.</param>
    public static SentencePieceTokenizer Parse(ReadOnlyMemory<byte> bytes, string file)
    {
        try
        {
            var pieces = new List<SentencePiece>();
            var options = new SentencePieceOptions();
            var special = new SpecialPieces();
            foreach (ProtoField field in Proto.Fields(bytes))
            {
                if (field.Number == 1)
                    pieces.Add(ReadPiece(field.Bytes));
                else if (field.Number == 2)
                    (options, special) = ReadTraining(field.Bytes, options, special);
                else if (field.Number == 3)
                    options = ReadNormalizer(field.Bytes, options);
            }

            return new SentencePieceTokenizer(pieces, options)
            {
                BosToken = NameOf(special.Begin, pieces),
                EosToken = NameOf(special.End, pieces),
                PadToken = NameOf(special.Padding, pieces),
            };
        }
        catch (FormatException e)
        {
            throw new TokenizerFileException(file, $"is no SentencePiece model: {e.Message}.", e);
        }
        catch (TokenizerException e) when (e is not TokenizerFileException)
        {
            throw new TokenizerFileException(file, $"is no usable SentencePiece model: {e.Message}", e);
        }
    }

    /// <summary>The content of a file with what matters for encoding and decoding.</summary>
    public static byte[] Write(SentencePieceTokenizer tokenizer)
    {
        SentencePieceOptions options = tokenizer.Options;
        var message = new List<byte>();
        foreach (SentencePiece piece in tokenizer.Pieces)
        {
            var item = new List<byte>();
            Proto.Add(item, 1, Encoding.UTF8.GetBytes(piece.Text));
            Proto.Add(item, 2, piece.Score);
            if (piece.Kind != SentencePieceKind.Normal)
                Proto.Add(item, 3, (ulong)piece.Kind);
            Proto.Add(message, 1, [.. item]);
        }

        var training = new List<byte>();
        Proto.Add(training, 3, (ulong)options.Algorithm);
        Proto.Add(training, 24, options.WhitespaceIsSuffix ? 1u : 0ul);
        Proto.Add(training, 35, tokenizer.Pieces.Any(p => p.Kind == SentencePieceKind.Byte) ? 1u : 0ul);
        int unknown = tokenizer.Pieces.ToList().FindIndex(p => p.Kind == SentencePieceKind.Unknown);
        foreach ((int field, int? id) in new[]
            { (40, unknown), (41, IdOf(tokenizer.BosToken)), (42, IdOf(tokenizer.EosToken)), (43, IdOf(tokenizer.PadToken)) })
        {
            Proto.Add(training, field, (ulong)(long)(id ?? -1));
        }

        Proto.Add(training, 44, Encoding.UTF8.GetBytes(options.UnknownSurface));
        Proto.Add(message, 2, [.. training]);

        var normalizer = new List<byte>();
        Proto.Add(normalizer, 2, options.Charsmap.Span);
        Proto.Add(normalizer, 3, options.AddDummyPrefix ? 1u : 0ul);
        Proto.Add(normalizer, 4, options.RemoveExtraWhitespaces ? 1u : 0ul);
        Proto.Add(normalizer, 5, options.EscapeWhitespaces ? 1u : 0ul);
        Proto.Add(message, 3, [.. normalizer]);
        return [.. message];

        int? IdOf(string? token) => token is null ? null : tokenizer.IdOf(token);
    }

    private static SentencePiece ReadPiece(ReadOnlyMemory<byte> message)
    {
        var piece = new SentencePiece("", 0);
        foreach (ProtoField field in Proto.Fields(message))
        {
            piece = field.Number switch
            {
                1 => piece with { Text = field.Text },
                2 => piece with { Score = field.Single },
                3 => piece with { Kind = (SentencePieceKind)Math.Min(field.Value, int.MaxValue) },
                _ => piece,
            };
        }

        return piece;
    }

    private static (SentencePieceOptions Options, SpecialPieces Special) ReadTraining(
        ReadOnlyMemory<byte> message, SentencePieceOptions options, SpecialPieces special)
    {
        foreach (ProtoField field in Proto.Fields(message))
        {
            switch (field.Number)
            {
                case 3 when field.Value is < 1 or > 4:
                    throw new FormatException($"the model type is {field.Value}, expected 1 to 4");
                case 3:
                    options = options with { Algorithm = (SentencePieceAlgorithm)field.Value };
                    break;
                case 24:
                    options = options with { WhitespaceIsSuffix = field.Flag };
                    break;
                case 41:
                    special = special with { Begin = (int)field.Value };
                    break;
                case 42:
                    special = special with { End = (int)field.Value };
                    break;
                case 43:
                    special = special with { Padding = (int)field.Value };
                    break;
                case 44:
                    options = options with { UnknownSurface = field.Text };
                    break;
            }
        }

        return (options, special);
    }

    private static SentencePieceOptions ReadNormalizer(ReadOnlyMemory<byte> message, SentencePieceOptions options)
    {
        foreach (ProtoField field in Proto.Fields(message))
        {
            options = field.Number switch
            {
                2 => options with { Charsmap = field.Bytes },
                3 => options with { AddDummyPrefix = field.Flag },
                4 => options with { RemoveExtraWhitespaces = field.Flag },
                5 => options with { EscapeWhitespaces = field.Flag },
                _ => options,
            };
        }

        return options;
    }

    private static string? NameOf(int id, List<SentencePiece> pieces) =>
        id >= 0 && id < pieces.Count && pieces[id].Kind == SentencePieceKind.Control ? pieces[id].Text : null;

    /// <summary>The ids of the usual control pieces; below 0 for none.</summary>
    private sealed record SpecialPieces(int Begin = 1, int End = 2, int Padding = -1);
}
