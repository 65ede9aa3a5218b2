using System.Text.Json;
using Craton.Tokenizers.Files;
using Xunit.Abstractions;

namespace Craton.Tokenizers.Tests;

[Trait("Category", "Golden")]
public sealed class FixtureStreamTests(ITestOutputHelper output)
{
    [Fact]
    public void Streamed_text_comes_in_the_steps_of_the_reference()
    {
        var tally = new Tally(output);
        var tokenizers = new Dictionary<string, Tokenizer?>();
        foreach (JsonElement area in Fixtures.Cases().Where(c => c.Text("kind") == "streams"))
        {
            foreach (JsonElement entry in Fixtures.Lines(Path.Combine(Fixtures.Root, area.Id(), "cases.jsonl.gz")))
            {
                string name = entry.Text("tokenizer");
                if (!tokenizers.TryGetValue(name, out Tokenizer? tokenizer))
                    tokenizers.Add(name, tokenizer = TryLoad(name, tally));
                if (tokenizer is not null)
                    Check(tokenizer, name, entry, tally);
            }
        }

        tally.Finish("streams");
    }

    private static Tokenizer? TryLoad(string name, Tally tally)
    {
        string path = Path.Combine(Fixtures.Root, "models", name, "tokenizer.json");
        try
        {
            return TokenizerJsonReader.Load(path);
        }
        catch (TokenizerFileException e) when (!File.Exists(path) || e.Message.Contains("not supported", StringComparison.Ordinal))
        {
            tally.Skip("streams of " + name, e.Message[path.Length..]);
            return null;
        }
    }

    private static void Check(Tokenizer tokenizer, string name, JsonElement entry, Tally tally)
    {
        bool skipSpecial = entry.GetProperty("skip_special_tokens").GetBoolean();
        int[] ids = entry.Ints("ids");
        int[] prefix = entry.Has("prefix_ids") ? entry.Ints("prefix_ids") : [];
        var decoder = new StreamDecoder(tokenizer, skipSpecial);
        string all = decoder.Feed(prefix);
        int[][] chunks = entry.Has("chunks")
            ? [.. entry.GetProperty("chunks").EnumerateArray().Select(c => c.EnumerateArray().Select(i => i.GetInt32()).ToArray())]
            : [.. ids.Select(i => new[] { i })];
        string[] steps = [.. chunks.Select(c => decoder.Feed(c))];
        string label = $"{name} {entry.Text("source")} [{string.Join(' ', ids)}]";
        tally.Check(label, entry.GetProperty("steps").EnumerateArray().Select(s => s.GetString() ?? ""), steps);
        tally.Check(label + " all", entry.Text("decode_all"), all + string.Concat(steps) + decoder.Flush());
    }
}
