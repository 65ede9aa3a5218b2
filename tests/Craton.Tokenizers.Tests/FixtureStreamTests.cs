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
                {
                    string path = Path.Combine(Fixtures.Root, "models", name, "tokenizer.json");
                    tokenizers.Add(name, tokenizer = File.Exists(path) ? TokenizerJsonReader.Load(path) : null);
                    if (tokenizer is null)
                        tally.Skip("streams of " + name, "its tokenizer is not in this copy of the fixtures");
                }

                if (tokenizer is not null)
                    Check(tokenizer, name, entry, tally);
            }
        }

        tally.Finish("streams");
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
        string[] expected = [.. entry.GetProperty("steps").EnumerateArray().Select(s => s.GetString() ?? "")];
        string label = $"{name} {entry.Text("source")} [{string.Join(' ', ids)}]";
        // Where the reference gives up, only the steps before that are known.
        tally.Check(label, expected, steps[..Math.Min(expected.Length, steps.Length)]);
        string given = all + string.Concat(steps);
        // A byte can make characters invalid that have come out already; the text as a whole then reads otherwise.
        if (entry.Text("decode_all").StartsWith(given, StringComparison.Ordinal))
            tally.Check(label + " all", entry.Text("decode_all"), given + decoder.Flush());
        tally.Check(label + " decoded", entry.Text("decode_all"), tokenizer.Decode([.. prefix, .. ids], skipSpecial));
    }
}
