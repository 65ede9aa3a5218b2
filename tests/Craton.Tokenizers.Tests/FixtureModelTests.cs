using System.Text.Json;
using Craton.Tokenizers.Files;
using Xunit.Abstractions;

namespace Craton.Tokenizers.Tests;

[Trait("Category", "Golden")]
public sealed class FixtureModelTests(ITestOutputHelper output)
{
    [Fact]
    public void Complete_tokenizers_give_the_ids_offsets_and_text_of_the_reference()
    {
        var tally = new Tally(output);
        foreach (JsonElement entry in Fixtures.Cases().Where(c => c.Text("kind") is "encode-decode" or "added-tokens"))
        {
            string id = entry.Id();
            Tokenizer tokenizer = TokenizerJsonReader.Load(Path.Combine(Fixtures.Root, id, "tokenizer.json"));
            (int before, int failed) = (tally.Run, tally.Failed);
            CheckWritten(tokenizer, id, tally);
            foreach (string file in entry.GetProperty("files").EnumerateArray().Select(f => f.GetString()!))
            {
                string name = Path.GetFileName(file);
                if (name.StartsWith("cases.jsonl", StringComparison.Ordinal))
                    CheckCases(tokenizer, id, Lines(file), tally);
                else if (name == "long.jsonl")
                    CheckLong(tokenizer, id, Lines(file), tally);
                else if (name.StartsWith("batch.jsonl", StringComparison.Ordinal))
                    CheckBatches(tokenizer, id, Lines(file), tally);
            }

            output.WriteLine($"{id}: {tally.Run - before} checks, {tally.Failed - failed} failed");
        }

        tally.Finish("models");
    }

    [Fact]
    public void A_directory_with_vocab_txt_alone_is_the_same_tokenizer()
    {
        var tally = new Tally(output);
        foreach (JsonElement entry in Fixtures.Cases())
        {
            string source = Path.Combine(Fixtures.Root, entry.Id());
            if (!File.Exists(Path.Combine(source, "vocab.txt")))
                continue;
            JsonElement file = JsonElement.Parse(File.ReadAllText(Path.Combine(source, "tokenizer.json")));
            if (file.GetProperty("model").GetProperty("max_input_chars_per_word").GetInt32() != 100)
                continue;
            using var folder = new TemporaryFolder();
            File.Copy(Path.Combine(source, "vocab.txt"), Path.Combine(folder.Path, "vocab.txt"));
            string lowercase = file.GetProperty("normalizer").GetProperty("lowercase").GetRawText();
            File.WriteAllText(Path.Combine(folder.Path, "tokenizer_config.json"), $$"""{"do_lower_case":{{lowercase}},"cls_token":"[CLS]"}""");
            Tokenizer tokenizer = Tokenizer.Load(folder.Path), same = Tokenizer.Load(Path.Combine(source, "tokenizer.json"));
            foreach (JsonElement item in Lines(entry.Id() + "/cases.jsonl.gz"))
            {
                string text = item.Text("text");
                tally.Check(text, same.EncodeText(text).Ids, tokenizer.EncodeText(text).Ids);
            }
        }

        if (tally.Run > 0)
            tally.Finish("vocab.txt");
    }

    [Fact]
    public void A_directory_with_the_two_files_of_clip_is_the_same_tokenizer()
    {
        var tally = new Tally(output);
        foreach (JsonElement entry in Fixtures.Cases())
        {
            string source = Path.Combine(Fixtures.Root, entry.Id());
            if (!File.Exists(Path.Combine(source, "merges.txt")) || !File.ReadAllText(Path.Combine(source, "vocab.json")).Contains("<|startoftext|>", StringComparison.Ordinal))
                continue;
            using var folder = new TemporaryFolder();
            foreach (string name in new[] { "vocab.json", "merges.txt" })
                File.Copy(Path.Combine(source, name), Path.Combine(folder.Path, name));
            Tokenizer tokenizer = Tokenizer.Load(folder.Path), same = Tokenizer.Load(Path.Combine(source, "tokenizer.json"));
            foreach (JsonElement item in Lines(entry.Id() + "/cases.jsonl.gz"))
            {
                string text = item.Text("text");
                tally.Check(text, same.EncodeText(text).Ids, tokenizer.EncodeText(text).Ids);
            }
        }

        if (tally.Run > 0)
            tally.Finish("vocab.json and merges.txt of CLIP");
    }

    /// <summary>A file that is written back has the content of the one that was read.</summary>
    private static void CheckWritten(Tokenizer tokenizer, string id, Tally tally)
    {
        using var folder = new TemporaryFolder();
        tokenizer.Save(folder.Path);
        JsonElement read = JsonElement.Parse(File.ReadAllText(Path.Combine(Fixtures.Root, id, "tokenizer.json")));
        JsonElement written = JsonElement.Parse(File.ReadAllText(Path.Combine(folder.Path, "tokenizer.json")));
        foreach (JsonProperty field in read.EnumerateObject())
            tally.Check($"{id} writes {field.Name}", "True", JsonElement.DeepEquals(field.Value, written.GetProperty(field.Name)).ToString());
    }

    private static IEnumerable<JsonElement> Lines(string file) =>
        File.Exists(Path.Combine(Fixtures.Root, file)) ? Fixtures.Lines(Path.Combine(Fixtures.Root, file)) : [];

    private static void CheckCases(Tokenizer tokenizer, string model, IEnumerable<JsonElement> cases, Tally tally)
    {
        foreach (JsonElement entry in cases)
        {
            string text = entry.Text("text");
            string name = $"{model} {JsonSerializer.Serialize(text)}";
            bool asText = entry.Has("special_tokens_as_text");
            int[] ids = entry.Ints("ids");
            EncodedText encoded = tokenizer.EncodeText(
                text, options: new EncodeOptions { AllowSpecial = !asText, AddSpecialTokens = !asText });
            CheckEncoding(encoded, [text], entry, name, tally);
            tally.Check(name + " ids alone", entry.Has("ids_no_special") ? entry.Ints("ids_no_special") : ids, tokenizer.Encode(text, allowSpecial: !asText));
            if (asText)
                continue;
            IEnumerable<string> byteOffsets = entry.GetProperty("byte_offsets").EnumerateArray().Select(o => $"{o[0].GetInt32()}-{o[1].GetInt32()}");
            tally.Check(name + " byte offsets", byteOffsets, encoded.Tokens.Select(s => $"{Bytes(text, s.Start)}-{Bytes(text, s.End)}"));
            tally.Check(name + " decoded", entry.GetProperty("decoded").Text("skip_special"), tokenizer.Decode(ids));
            tally.Check(name + " decoded, all", entry.GetProperty("decoded").Text("keep_special"), tokenizer.Decode(ids, skipSpecial: false));
        }
    }

    private static int Bytes(string text, int place) => System.Text.Encoding.UTF8.GetByteCount(text.AsSpan(0, place));

    /// <summary>Compares all fields that a case has; offsets count in the text (or word) that a token comes from.</summary>
    internal static void CheckEncoding(EncodedText encoded, string[] texts, JsonElement expected, string name, Tally tally)
    {
        tally.Check(name, expected.Ints("ids"), encoded.Ids);
        IReadOnlyList<EncodedToken> tokens = encoded.Tokens;
        tally.Check(name + " tokens", expected.GetProperty("tokens").EnumerateArray().Select(t => t.GetString()!), tokens.Select(t => t.Text));
        tally.Check(
            name + " offsets",
            expected.GetProperty("offsets").EnumerateArray().Select(o => $"{o[0].GetInt32()}-{o[1].GetInt32()}"),
            tokens.Select(t => CodePoints(t.Sequence is int s ? texts[s] : "", t)));
        if (!expected.Has("word_ids"))
            return;
        tally.Check(name + " types", expected.Ints("type_ids"), encoded.TypeIds);
        tally.Check(name + " attention", expected.Ints("attention_mask"), encoded.AttentionMask);
        tally.Check(name + " special", expected.Ints("special_tokens_mask"), tokens.Select(t => t.IsAdded ? 1 : 0));
        tally.Check(name + " words", expected.GetProperty("word_ids").EnumerateArray().Select(Number), tokens.Select(t => t.Word));
        if (expected.Has("sequence_ids"))
            tally.Check(name + " sequences", expected.GetProperty("sequence_ids").EnumerateArray().Select(Number), tokens.Select(t => t.Sequence));
        if (!expected.Has("overflowing"))
            return;
        JsonElement[] overflowing = [.. expected.GetProperty("overflowing").EnumerateArray()];
        tally.Check(name + " overflow", [overflowing.Length], [encoded.Overflowing.Count]);
        foreach ((JsonElement e, EncodedText o) in overflowing.Zip(encoded.Overflowing))
            CheckEncoding(o, texts, e, name + " overflow", tally);
    }

    private static int? Number(JsonElement element) => element.ValueKind == JsonValueKind.Null ? null : element.GetInt32();

    // Words have no common text; their offsets are within the word, where no character of these cases is a pair of units.
    private static string CodePoints(string text, EncodedToken t) => t.End > text.Length
        ? $"{t.Start}-{t.End}" : $"{text.AsSpan(0, t.Start).ToString().EnumerateRunes().Count()}-{text.AsSpan(0, t.End).ToString().EnumerateRunes().Count()}";

    private static void CheckLong(Tokenizer tokenizer, string model, IEnumerable<JsonElement> cases, Tally tally)
    {
        foreach (JsonElement entry in cases)
        {
            string text = Fixtures.Repeat(entry.GetProperty("parts"));
            EncodedText encoded = tokenizer.EncodeText(text, options: new EncodeOptions { AllowSpecial = true });
            tally.Check($"{model} {entry.Id()}", Fixtures.Runs(entry.GetProperty("ids_rle")), encoded.Ids);
        }
    }

    private static void CheckBatches(Tokenizer tokenizer, string model, IEnumerable<JsonElement> cases, Tally tally)
    {
        foreach (JsonElement entry in cases)
        {
            string name = $"{model} {entry.Id()}";
            JsonElement[] inputs = [.. entry.GetProperty("inputs").EnumerateArray()];
            if (entry.Has("error"))
            {
                string? problem = null;
                try
                {
                    _ = Encode(tokenizer, entry, inputs);
                }
                catch (TokenizerException e)
                {
                    problem = e.Message;
                }

                tally.Check($"{name} fails", "True", (problem is not null).ToString());
                continue;
            }

            JsonElement[] expected = [.. entry.GetProperty("expected").EnumerateArray()];
            IReadOnlyList<EncodedText> encoded = Encode(tokenizer, entry, inputs);
            for (int i = 0; i < expected.Length; i++)
            {
                string[] texts = entry.Has("is_pretokenized") ? ["", ""]
                    : inputs[i].ValueKind == JsonValueKind.String ? [inputs[i].GetString()!] : [.. inputs[i].EnumerateArray().Select(t => t.GetString()!)];
                CheckEncoding(encoded[i], texts, expected[i], $"{name}[{i}]", tally);
            }
        }
    }

    private static IReadOnlyList<EncodedText> Encode(Tokenizer tokenizer, JsonElement entry, JsonElement[] inputs)
    {
        var options = new EncodeOptions
        {
            AllowSpecial = true,
            AddSpecialTokens = entry.GetProperty("add_special_tokens").GetBoolean(),
            Truncation = entry.Has("truncation") ? ReadTruncation(entry.GetProperty("truncation")) : null,
            Padding = entry.Has("padding") ? ReadPadding(entry.GetProperty("padding")) : null,
        };
        if (entry.Has("is_pretokenized"))
            return tokenizer.EncodeWords(inputs.Select(i => ((IReadOnlyList<string>)[.. i.EnumerateArray().Select(w => w.GetString()!)], (IReadOnlyList<string>?)null)), options);
        return tokenizer.EncodeTexts(inputs.Select(i => i.ValueKind == JsonValueKind.String ? (i.GetString()!, (string?)null) : (i[0].GetString()!, i[1].GetString())), options);
    }

    private static Truncation ReadTruncation(JsonElement json) => new(json.GetProperty("max_length").GetInt32())
    {
        Stride = json.GetProperty("stride").GetInt32(),
        Side = json.Text("direction") == "left" ? Side.Left : Side.Right,
        Strategy = json.Text("strategy") switch
        {
            "only_first" => TruncationStrategy.OnlyFirst,
            "only_second" => TruncationStrategy.OnlySecond,
            _ => TruncationStrategy.LongestFirst,
        },
    };

    private static Padding ReadPadding(JsonElement json) => new(json.GetProperty("pad_id").GetInt32(), json.Text("pad_token"))
    {
        TypeId = json.GetProperty("pad_type_id").GetInt32(),
        Side = json.Text("direction") == "left" ? Side.Left : Side.Right,
        Length = Number(json.GetProperty("length")),
        MultipleOf = Number(json.GetProperty("pad_to_multiple_of")),
    };
}
