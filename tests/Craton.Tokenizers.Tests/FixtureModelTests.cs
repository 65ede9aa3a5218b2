using System.Text;
using System.Text.Json;
using Craton.Tokenizers.Bpe;
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
        foreach (JsonElement entry in Fixtures.Cases())
        {
            string id = entry.Id();
            string path = Path.Combine(Fixtures.Root, id, "tokenizer.json");
            if (entry.Text("kind") is not ("encode-decode" or "added-tokens"))
            {
                tally.Skip(id, entry.Text("kind") is "components" or "streams" or "tiktoken" or "training" ? "run by a test of its own" : $"the kind {entry.Text("kind")} is not built");
                continue;
            }

            Tokenizer tokenizer;
            try
            {
                tokenizer = TokenizerJsonReader.Load(path);
            }
            catch (TokenizerFileException e) when (e.Message.Contains("not supported", StringComparison.Ordinal))
            {
                tally.Skip(id, e.Message[path.Length..]);
                continue;
            }

            int before = tally.Run;
            foreach (string file in entry.GetProperty("files").EnumerateArray().Select(f => f.GetString()!))
            {
                if (Path.GetFileName(file).StartsWith("cases.jsonl", StringComparison.Ordinal))
                    CheckCases(tokenizer, id, Fixtures.Lines(Path.Combine(Fixtures.Root, file)), tally);
                else if (file.EndsWith("long.jsonl", StringComparison.Ordinal))
                    CheckLong(tokenizer, id, Fixtures.Lines(Path.Combine(Fixtures.Root, file)), tally);
                else if (file.Contains("batch", StringComparison.Ordinal))
                    tally.Skip(file, "pairs, truncation, padding and words given already split are not built");
                else if (!file.EndsWith("tokenizer.json", StringComparison.Ordinal))
                    tally.Skip(file, "the same tokenizer in other files");
            }

            output.WriteLine($"{id}: {tally.Run - before} checks");
        }

        tally.Skip("word_ids of all texts", "numbers of pieces are not given");
        tally.Finish("models");
    }

    private static int[] WithTemplate(Tokenizer tokenizer, string text) =>
        tokenizer is BpeTokenizer bpe ? bpe.EncodeWithTemplate(text, allowSpecial: true) : tokenizer.Encode(text, allowSpecial: true);

    private static void CheckCases(Tokenizer tokenizer, string model, IEnumerable<JsonElement> cases, Tally tally)
    {
        foreach (JsonElement entry in cases)
        {
            string text = entry.Text("text");
            string name = $"{model} {JsonSerializer.Serialize(text)}";
            bool asText = entry.Has("special_tokens_as_text");
            int[] ids = entry.Ints("ids");
            tally.Check(name, ids, asText ? tokenizer.Encode(text) : WithTemplate(tokenizer, text));
            if (entry.Has("ids_no_special"))
                tally.Check(name + " without template", entry.Ints("ids_no_special"), tokenizer.Encode(text, allowSpecial: true));

            string[] tokens = [.. entry.GetProperty("tokens").EnumerateArray().Select(t => t.GetString()!)];
            tally.Check(name + " tokens", tokens, ids.Zip(tokens, (id, token) => IsToken(tokenizer, id, token) ? token : $"<{id}>"));
            int prefix = !asText && tokenizer is BpeTokenizer bpe ? bpe.TemplatePrefix.Length : 0;
            int suffix = !asText && tokenizer is BpeTokenizer same ? same.TemplateSuffix.Length : 0;
            int own = ids.Length - prefix - suffix;
            if (!asText)
            {
                tally.Check(name + " mask", entry.Ints("special_tokens_mask"), [.. Enumerable.Repeat(1, prefix), .. Enumerable.Repeat(0, own), .. Enumerable.Repeat(1, suffix)]);
                tally.Check(name + " one sequence", entry.Ints("type_ids"), ids.Select(_ => 0));
                tally.Check(name + " no padding", entry.Ints("attention_mask"), ids.Select(_ => 1));
            }

            TokenSpan[] spans = tokenizer.EncodeWithOffsets(text, allowSpecial: !asText);
            IEnumerable<string> offsets = entry.GetProperty("offsets").EnumerateArray().Skip(prefix).Take(spans.Length)
                .Select(o => $"{o[0].GetInt32()}-{o[1].GetInt32()}");
            tally.Check(name + " offsets", offsets, Fixtures.CodePoints(text, spans).Select(o => $"{o[0]}-{o[1]}"));
            if (asText)
                continue;
            IEnumerable<string> byteOffsets = entry.GetProperty("byte_offsets").EnumerateArray().Skip(prefix).Take(spans.Length)
                .Select(o => $"{o[0].GetInt32()}-{o[1].GetInt32()}");
            tally.Check(name + " byte offsets", byteOffsets, spans.Select(s => $"{Bytes(text, s.Start)}-{Bytes(text, s.End)}"));
            tally.Check(name + " decoded", entry.GetProperty("decoded").Text("skip_special"), tokenizer.Decode(ids));
            tally.Check(name + " decoded, all", entry.GetProperty("decoded").Text("keep_special"), tokenizer.Decode(ids, skipSpecial: false));
        }
    }

    private static int Bytes(string text, int place) => Encoding.UTF8.GetByteCount(text.AsSpan(0, place));

    // As byte-level symbols, or a character; an added token the reference shows as the text that it matched, which is not given here.
    private static bool IsToken(Tokenizer tokenizer, int id, string token) =>
        tokenizer is not BpeTokenizer bpe ? tokenizer.IdOf(token) == id
        : bpe.Model.Vocabulary.KindOf(id) != TokenKind.Bytes || bpe.Model.Vocabulary.SpellingOf(id) == token;

    private static void CheckLong(Tokenizer tokenizer, string model, IEnumerable<JsonElement> cases, Tally tally)
    {
        foreach (JsonElement entry in cases)
            tally.Check($"{model} {entry.Id()}", Fixtures.Runs(entry.GetProperty("ids_rle")), WithTemplate(tokenizer, Fixtures.Repeat(entry.GetProperty("parts"))));
    }
}
