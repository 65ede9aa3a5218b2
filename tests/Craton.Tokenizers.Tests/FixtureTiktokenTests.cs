using System.Text.Json;
using Craton.Tokenizers.Splitting;
using Xunit.Abstractions;

namespace Craton.Tokenizers.Tests;

[Trait("Category", "Golden")]
public sealed class FixtureTiktokenTests(ITestOutputHelper output)
{
    [Fact]
    public void Rank_files_give_the_ids_of_tiktoken()
    {
        var tally = new Tally(output);
        foreach (JsonElement area in Fixtures.Cases().Where(c => c.Text("kind") == "tiktoken"))
        {
            foreach (string ranks in area.GetProperty("files").EnumerateArray().Select(f => f.GetString()!)
                .Where(f => f.EndsWith("ranks.tiktoken", StringComparison.Ordinal)))
            {
                string folder = Path.Combine(Fixtures.Root, Path.GetDirectoryName(ranks)!);
                JsonElement encoding = JsonElement.Parse(File.ReadAllText(Path.Combine(folder, "encoding.json")));
                SplitPattern? pattern = Patterns.Find(encoding.Text("pat_str"));
                Assert.True(pattern is not null, $"{ranks}: unknown pattern {encoding.Text("pat_str")}");
                Dictionary<string, int> special = encoding.GetProperty("special_tokens").EnumerateObject()
                    .ToDictionary(p => p.Name, p => p.Value.GetInt32());
                string path = Path.Combine(Fixtures.Root, ranks);
                BpeTokenizer tokenizer = BpeTokenizer.FromTiktoken(path, pattern.Value, special);
                Assert.Equal(encoding.GetProperty("n_vocab").GetInt32(), tokenizer.VocabularySize);
                foreach (JsonElement entry in Fixtures.Lines(Path.Combine(folder, "cases.jsonl.gz")))
                    Check(tokenizer, path, pattern.Value, special, ranks, entry, tally);
            }
        }

        tally.Finish("tiktoken");
    }

    private static void Check(
        BpeTokenizer tokenizer, string path, SplitPattern pattern, Dictionary<string, int> special, string ranks, JsonElement entry, Tally tally)
    {
        string name = $"{ranks} {entry}";
        name = name[..Math.Min(name.Length, 200)];
        if (entry.Has("allowed_special"))
        {
            // Only some special tokens are allowed: a tokenizer that knows only those.
            string[] allowed = [.. entry.GetProperty("allowed_special").EnumerateArray().Select(s => s.GetString()!)];
            BpeTokenizer some = BpeTokenizer.FromTiktoken(path, pattern, allowed.ToDictionary(s => s, s => special[s]));
            tally.Check(name, entry.Ints("ids"), some.Encode(entry.Text("text"), allowSpecial: true));
        }
        else if (entry.Has("parts"))
        {
            tally.Check(name, Fixtures.Runs(entry.GetProperty("ids_rle")), tokenizer.Encode(Fixtures.Repeat(entry.GetProperty("parts"))));
        }
        else if (entry.TryGetProperty("single_token", out JsonElement single))
        {
            int? id = tokenizer.Model.Find(entry.GetProperty("bytes_b64").GetBytesFromBase64());
            tally.Check(name, single.GetRawText(), id?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "null");
        }
        else
        {
            CheckText(tokenizer, name, entry, tally);
        }
    }

    private static void CheckText(BpeTokenizer tokenizer, string name, JsonElement entry, Tally tally)
    {
        int[] ids = entry.Ints("ids");
        if (entry.Has("text"))
        {
            string text = Surrogates(entry);
            tally.Check(name, ids, tokenizer.Encode(text));
            if (entry.Has("ids_all_special"))
                tally.Check(name + " special", entry.Ints("ids_all_special"), tokenizer.Encode(text, allowSpecial: true));
            if (entry.Has("offsets"))
                tally.Check(name + " offsets", entry.Ints("offsets"), Fixtures.CodePoints(text, tokenizer.EncodeWithOffsets(text)).Select(o => o[0]));
        }
        else if (entry.Has("bytes_b64"))
        {
            var actual = new List<int>();
            tokenizer.EncodeUtf8(entry.GetProperty("bytes_b64").GetBytesFromBase64(), actual);
            tally.Check(name, ids, actual);
        }

        if (entry.Has("decoded_b64"))
            tally.Check(name + " bytes", entry.GetProperty("decoded_b64").GetBytesFromBase64(), ids.SelectMany(i => tokenizer.TokenBytes(i).ToArray()));
        if (entry.Has("decoded_replace"))
            tally.Check(name + " text", entry.Text("decoded_replace"), tokenizer.Decode(ids));
    }

    /// <summary>The text of a case; JSON text with lone surrogates is not read by the framework.</summary>
    private static string Surrogates(JsonElement entry)
    {
        try
        {
            return entry.Text("text");
        }
        catch (InvalidOperationException)
        {
            return System.Text.RegularExpressions.Regex.Unescape(entry.GetProperty("text").GetRawText()[1..^1]);
        }
    }
}
