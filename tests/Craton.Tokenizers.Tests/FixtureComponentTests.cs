using System.Text;
using System.Text.Json;
using Craton.Tokenizers.Files;
using Craton.Tokenizers.Splitting;
using Craton.Tokenizers.Unicode;
using Xunit.Abstractions;

namespace Craton.Tokenizers.Tests;

[Trait("Category", "Golden")]
public sealed class FixtureComponentTests(ITestOutputHelper output)
{
    [Fact]
    public void Normalizers_pre_tokenizers_and_decoders_equal_the_reference()
    {
        var tally = new Tally(output);
        foreach (JsonElement area in Fixtures.Cases().Where(c => c.Text("kind") == "components"))
        {
            string folder = Path.Combine(Fixtures.Root, area.Id());
            var checks = new Dictionary<string, Action<JsonElement>?>();
            foreach (JsonElement entry in Fixtures.Lines(Path.Combine(folder, "index.jsonl")))
                checks.Add(entry.Id(), Create(entry, tally));
            foreach (JsonElement entry in Fixtures.Lines(Path.Combine(folder, "cases.jsonl.gz")))
                checks[entry.Text("component")]?.Invoke(entry);
            output.WriteLine($"{checks.Values.Count(c => c is not null)} of {checks.Count} components are supported");
        }

        tally.Finish("components");
    }

    private static Action<JsonElement>? Create(JsonElement entry, Tally tally)
    {
        string id = entry.Id();
        var json = new JsonFields(id, entry.GetProperty("component"), "component");
        try
        {
            switch (entry.Text("kind"))
            {
                case "normalizer":
                    TextNormalizer normalizer = Components.ParseNormalizer(json);
                    return c => CheckNormalizer(normalizer, id, c, tally);
                case "pre_tokenizer":
                    PreTokenizer preTokenizer = PreTokenizer.Parse(json);
                    return c => tally.Check($"{id} {c}", Pieces(c), Split(preTokenizer, c.Text("text")));
                case "decoder" when json.Type() == "ByteLevel":
                    return c => tally.Check($"{id} {c}", c.Text("output"), Decode(c.GetProperty("tokens")));
                default:
                    tally.Skip(id, $"{entry.Text("kind")} {json.Type()} is not supported, or is tested with whole tokenizers");
                    return null;
            }
        }
        catch (TokenizerFileException e) when (e.Message.Contains("not supported", StringComparison.Ordinal))
        {
            tally.Skip(id, e.Message);
            return null;
        }
    }

    private static void CheckNormalizer(TextNormalizer normalizer, string id, JsonElement entry, Tally tally)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(entry.Text("text"));
        byte[] changed = normalizer.Apply(utf8, out Alignment alignment);
        tally.Check($"{id} {entry}", entry.Text("output"), Encoding.UTF8.GetString(changed));
        Assert.True(!normalizer.Keeps(utf8) || changed.AsSpan().SequenceEqual(utf8));
        if (!entry.Has("offsets"))
            return;
        int[] places = [.. utf8.Select((b, i) => utf8.Take(i).Count(x => (x & 0xC0) != 0x80)), utf8.Count(x => (x & 0xC0) != 0x80)];
        IEnumerable<string> actual = changed.Select((b, i) => (b, i)).Where(x => (x.b & 0xC0) != 0x80)
            .Select(x => $"{places[alignment.Starts[x.i]]}-{places[alignment.Ends[x.i]]}");
        tally.Check($"{id} {entry} offsets", entry.GetProperty("offsets").EnumerateArray().Select(o => $"{o[0].GetInt32()}-{o[1].GetInt32()}"), actual);
    }

    private static IEnumerable<string> Pieces(JsonElement entry) =>
        entry.GetProperty("pieces").EnumerateArray().Select(p => p[0].GetString()!);

    private static List<string> Split(PreTokenizer preTokenizer, string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(preTokenizer.AddPrefixSpace && text.Length > 0 && text[0] != ' ' ? " " + text : text);
        List<byte[]> pieces = utf8.Length == 0 ? [] : [utf8];
        foreach (Splitter level in preTokenizer.Levels)
        {
            var finer = new List<byte[]>();
            foreach (byte[] piece in pieces)
            {
                var ends = new int[piece.Length];
                int start = 0;
                foreach (int end in ends[..level.Split(piece, 0, ends)])
                {
                    finer.Add(piece[start..end]);
                    start = end;
                }

                Assert.Equal(piece.Length, start);
            }

            pieces = finer;
        }

        return pieces.ConvertAll(p => ByteLevelAlphabet.ToSymbols(p));
    }

    private static string Decode(JsonElement tokens) =>
        Encoding.UTF8.GetString([.. tokens.EnumerateArray().SelectMany(t => ByteLevelAlphabet.Decode(t.GetString()!))]);
}
