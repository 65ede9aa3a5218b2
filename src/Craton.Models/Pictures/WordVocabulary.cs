using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Models.Pictures;

/// <summary>
/// The words of captions and questions, by number. A word is a run of letters and digits, in lower case; any other sign is a word of its own.
/// With letters, every word also counts by its trigrams (<c>#ca</c>, <c>cat</c>, <c>at#</c>), so that words never seen are near to those that look alike.
/// </summary>
public sealed class WordVocabulary
{
    /// <summary>Id that fills free places, of words that are not known, and that ends a text.</summary>
    public const int Padding = 0, Unknown = 1, End = 2;

    private const string FileName = "words.json";
    private const char Letters = '~'; // before trigrams
    private const int Reserved = 3, MostPieces = 1 << 20;

    private readonly string[] _pieces;
    private readonly Dictionary<string, int> _ids;

    private WordVocabulary(string[] pieces, bool trigrams)
    {
        (_pieces, Trigrams) = (pieces, trigrams);
        _ids = pieces.Select((piece, i) => (piece, i)).ToDictionary(p => p.piece, p => p.i + Reserved, StringComparer.Ordinal);
    }

    /// <summary>Number of ids.</summary>
    public int Count => Reserved + _pieces.Length;

    /// <summary>Whether words also count by their trigrams.</summary>
    public bool Trigrams { get; }

    /// <summary>Takes the pieces of some texts.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="trigrams">Whether words also count by their trigrams.</param>
    /// <param name="least">How often a piece must occur.</param>
    public static WordVocabulary Learn(IEnumerable<string> texts, bool trigrams = false, int least = 1)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (string piece in texts.SelectMany(text => Pieces(text, trigrams))) counts[piece] = counts.GetValueOrDefault(piece) + 1;
        return new([.. counts.Where(c => c.Value >= least).Select(c => c.Key).Order(StringComparer.Ordinal).Take(MostPieces)], trigrams);
    }

    /// <summary>The ids of a text's words in their order, each followed by those of its trigrams; at least one.</summary>
    public int[] Ids(string text)
    {
        // What a word that is not known means is left to its trigrams.
        int[] ids = [.. Pieces(text, Trigrams).Select(piece => _ids.GetValueOrDefault(piece, Unknown)).Where(id => !Trigrams || id != Unknown)];
        return ids.Length > 0 ? ids : [Unknown];
    }

    /// <summary>The words of ids up to the one that ends a text, with a space between them.</summary>
    public string Text(IEnumerable<int> ids) =>
        string.Join(' ', ids.TakeWhile(id => id != End).Where(id => id >= Reserved && id < Count).Select(id => _pieces[id - Reserved]).Where(piece => piece[0] != Letters || piece.Length == 1));

    /// <summary>Several texts in rows, filled up: ids [N, T], lengths [N], and which places hold a token, Bool [N, T].</summary>
    /// <param name="texts">Their ids.</param>
    public static (Tensor Ids, Tensor Lengths, Tensor KeyPadding) Rows(IReadOnlyList<int[]> texts)
    {
        int width = texts.Max(text => text.Length);
        Tensor ids = Tensor.Zeros(DType.I32, texts.Count, width), holds = Tensor.Zeros(DType.Bool, texts.Count, width);
        for (int i = 0; i < texts.Count; i++)
        {
            texts[i].CopyTo(ids.AsSpan<int>()[(i * width)..]);
            holds.AsSpan<bool>().Slice(i * width, texts[i].Length).Fill(true);
        }
        return (ids, Tensor.From(texts.Select(text => text.Length).ToArray(), texts.Count), holds);
    }

    /// <summary>Reads the words of a model's directory.</summary>
    /// <exception cref="CratonException">The file is missing or damaged.</exception>
    public static WordVocabulary Load(string directory)
    {
        string file = Path.Combine(directory, FileName);
        JsonElement root = JsonFile.Read(file);
        string[] pieces = root.TryGetProperty("words", out JsonElement list) && list.ValueKind == JsonValueKind.Array && list.GetArrayLength() <= MostPieces
            ? [.. list.EnumerateArray().Select(e => e.ValueKind == JsonValueKind.String ? e.GetString()! : "")]
            : [];
        if (pieces.Length == 0 || pieces.Contains("") || pieces.Distinct(StringComparer.Ordinal).Count() < pieces.Length)
            throw new CratonException($"{file}: words: expected a list of different words; restore the file");
        return new(pieces, new ConfigReader(file, root).Flag("trigrams"));
    }

    internal void Save(DurableDirectory folder) =>
        JsonFile.Write(folder, FileName, new JsonObject { ["trigrams"] = Trigrams, ["words"] = new JsonArray([.. _pieces.Select(piece => (JsonNode)piece)]) });

    private static IEnumerable<string> Pieces(string text, bool trigrams)
    {
        foreach (string word in Words(text.ToLower(CultureInfo.InvariantCulture)))
        {
            yield return word;
            string framed = $"#{word}#";
            for (int i = 0; trigrams && i + 3 <= framed.Length; i++) yield return Letters + framed.Substring(i, 3);
        }
    }

    private static IEnumerable<string> Words(string text)
    {
        var word = new StringBuilder();
        foreach (char sign in text)
        {
            if (char.IsLetterOrDigit(sign))
            {
                word.Append(sign);
                continue;
            }
            if (word.Length > 0) yield return word.ToString();
            word.Clear();
            if (!char.IsWhiteSpace(sign)) yield return sign.ToString();
        }
        if (word.Length > 0) yield return word.ToString();
    }
}
