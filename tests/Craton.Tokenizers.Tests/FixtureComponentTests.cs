using System.Text;
using System.Text.Json;
using Craton.Tokenizers.Files;
using Craton.Tokenizers.Pipeline;
using Xunit.Abstractions;

namespace Craton.Tokenizers.Tests;

[Trait("Category", "Golden")]
public sealed class FixtureComponentTests(ITestOutputHelper output)
{
    [Fact]
    public void Components_equal_the_reference()
    {
        var tally = new Tally(output);
        foreach (JsonElement area in Fixtures.Cases().Where(c => c.Text("kind") == "components"))
        {
            string folder = Path.Combine(Fixtures.Root, area.Id());
            Dictionary<string, Action<JsonElement>> checks =
                Fixtures.Lines(Path.Combine(folder, "index.jsonl")).ToDictionary(e => e.Id(), e => Create(e, tally));
            foreach (JsonElement entry in Fixtures.Lines(Path.Combine(folder, "cases.jsonl.gz")))
                checks[entry.Text("component")](entry);
            output.WriteLine($"{checks.Count} components");
        }

        tally.Finish("components");
    }

    private static Action<JsonElement> Create(JsonElement entry, Tally tally)
    {
        string id = entry.Id();
        var json = new JsonFields(id, entry.GetProperty("component"), "component");
        switch (entry.Text("kind"))
        {
            case "normalizer":
                Normalizer normalizer = NormalizerReader.Read(json);
                return c => CheckNormalizer(normalizer, id, c, tally);
            case "pre_tokenizer":
                PreTokenizer preTokenizer = PreTokenizerReader.Read(json);
                return c => tally.Check(
                    $"{id} {c}",
                    c.GetProperty("pieces").EnumerateArray().Select(p => $"{p[0]} {p[1][0]}-{p[1][1]}"),
                    Split(preTokenizer, c.Text("text")));
            case "decoder":
                Pipeline.Decoder decoder = DecoderReader.Read(json);
                return c => tally.Check(
                    $"{id} {c}",
                    c.Text("output"),
                    string.Concat(decoder.Apply([.. c.GetProperty("tokens").EnumerateArray().Select(t => t.GetString()!)])));
            default:
                Tokenizer tokenizer = TokenizerJsonReader.Parse(Encoding.UTF8.GetBytes(entry.GetProperty("tokenizer").GetRawText()), id);
                return c => CheckPostProcessor(tokenizer, id, c, tally);
        }
    }

    private static void CheckNormalizer(Normalizer normalizer, string id, JsonElement entry, Tally tally)
    {
        string text = entry.Text("text");
        AlignedText changed = normalizer.Apply(AlignedText.Of(text));
        tally.Check($"{id} {entry}", entry.Text("output"), changed.ToString());
        Assert.True(!normalizer.Keeps(Encoding.UTF8.GetBytes(text)) || changed.ToString() == text);
        if (!entry.Has("offsets"))
            return;
        int[] places = Places(text);
        IEnumerable<string> actual = changed.Chars.ToArray().Select(c => $"{places[c.Start]}-{places[c.End]}");
        tally.Check($"{id} {entry} offsets", entry.GetProperty("offsets").EnumerateArray().Select(o => $"{o[0].GetInt32()}-{o[1].GetInt32()}"), actual);
    }

    private static IEnumerable<string> Split(PreTokenizer preTokenizer, string text)
    {
        int[] places = Places(text);
        return preTokenizer.Split(AlignedText.Of(text)).Select(p => $"{p} {places[p.Chars[0].Start]}-{places[p.Chars[^1].End]}");
    }

    private static int[] Places(string text)
    {
        var places = new int[text.Length + 1];
        for (int i = 0; i < text.Length; i++)
            places[i + 1] = places[i] + (i > 0 && char.IsSurrogatePair(text[i - 1], text[i]) ? 0 : 1);
        return places;
    }

    private static void CheckPostProcessor(Tokenizer tokenizer, string id, JsonElement entry, Tally tally)
    {
        string text = entry.Text("text");
        string? pair = entry.Has("pair") ? entry.Text("pair") : null;
        bool adds = !entry.TryGetProperty("add_special_tokens", out JsonElement add) || add.GetBoolean();
        EncodedText encoded = tokenizer.EncodeText(text, pair, new EncodeOptions { AllowSpecial = true, AddSpecialTokens = adds });
        FixtureModelTests.CheckEncoding(encoded, [text, pair ?? ""], entry, $"{id} {text} {pair} {adds}", tally);
    }
}
