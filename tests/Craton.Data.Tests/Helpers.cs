using System.IO.Compression;
using System.Text;
using Craton.Tokenizers;

namespace Craton.Data.Tests;

/// <summary>UTF-8 bytes as ids, and 256 as end of text; the size of the vocabulary can be feigned.</summary>
internal sealed class ByteTokenizer(int vocabularySize = 257) : Tokenizer
{
    public override int VocabularySize => vocabularySize;

    public override int? EndOfText => 256;

    public override void Encode(ReadOnlySpan<char> text, List<int> ids, bool allowSpecial = false) => EncodeUtf8(Encoding.UTF8.GetBytes(text.ToArray()), ids, allowSpecial);

    public override void EncodeUtf8(ReadOnlySpan<byte> utf8, List<int> ids, bool allowSpecial = false)
    {
        foreach (byte b in utf8) ids.Add(b);
    }

    public override ReadOnlySpan<byte> TokenBytes(int id) => new[] { (byte)id };

    public override string Decode(ReadOnlySpan<int> ids, bool skipSpecial = true) => Encoding.UTF8.GetString(ids.ToArray().Where(i => i < 256).Select(i => (byte)i).ToArray());

    public override int? IdOf(string token) => null;

    public override bool IsSpecial(int id) => id == 256;

    public override void Save(string directory) => File.WriteAllText(Path.Combine(directory, "tokenizer.json"), $"{{\"bytes\":{vocabularySize}}}");
}

/// <summary>A folder that is gone after the test.</summary>
internal sealed class TempFolder : IDisposable
{
    public TempFolder() => Directory.CreateDirectory(Root);

    public string Root { get; } = Path.Combine(Path.GetTempPath(), "craton-data-tests", Guid.NewGuid().ToString("N"));

    public string File(string name, string content) => File(name, Encoding.UTF8.GetBytes(content));

    public string File(string name, byte[] content)
    {
        string path = At(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        System.IO.File.WriteAllBytes(path, content);
        return path;
    }

    public string At(string name) => Path.Combine(Root, name);

    public void Dispose() => Directory.Delete(Root, recursive: true);

    public static byte[] Gzip(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal)) gzip.Write(content);
        return packed.ToArray();
    }
}

internal static class Make
{
    private static readonly string[] s_words =
    [
        "river", "stone", "light", "window", "garden", "letter", "music", "winter", "bread", "horse", "table", "cloud", "paper", "forest", "candle", "mirror",
        "harbour", "engine", "copper", "orchard", "village", "thunder", "ribbon", "kettle", "anchor", "lantern", "meadow", "pepper", "saddle", "velvet",
        "the", "of", "and", "with", "have", "that", "to", "be", "was", "slowly", "carried", "found", "opened", "watched", "before", "behind", "under", "again",
    ];

    /// <summary>Text of random words in sentences; the same for the same seed.</summary>
    public static string Prose(int seed, int words)
    {
        var random = new Random(seed);
        var text = new StringBuilder();
        for (int i = 0; i < words; i++)
        {
            text.Append(s_words[random.Next(s_words.Length)]);
            text.Append((i + 1) % 12 == 0 || i == words - 1 ? (i + 1) % 48 == 0 ? ".\n" : ". " : " ");
        }

        return text.ToString().Trim();
    }

    public static Document Doc(string text, string id = "d") => new(id, text, "test");
}
