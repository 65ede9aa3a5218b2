using System.Text;
using System.Text.Json;
using Craton.Tokenizers.Files;
using Xunit.Abstractions;

namespace Craton.Tokenizers.Tests;

[Trait("Category", "Golden")]
public sealed class FixtureSentencePieceTests(ITestOutputHelper output)
{
    [Fact]
    public void Models_give_the_ids_offsets_and_text_of_SentencePiece_also_after_saving()
    {
        var tally = new Tally(output);
        foreach (JsonElement entry in Fixtures.Cases().Where(c => c.Text("kind") == "encode-decode"))
        {
            string folder = Path.Combine(Fixtures.Root, entry.Id());
            if (!File.Exists(Path.Combine(folder, "spm.model")))
                continue;
            (int before, int failed) = (tally.Run, tally.Failed);
            SentencePieceTokenizer tokenizer = SentencePieceTokenizer.FromFile(Path.Combine(folder, "spm.model"));
            SentencePieceTokenizer again = SentencePieceFile.Parse(SentencePieceFile.Write(tokenizer), "again");
            tally.Check(entry.Id() + " written", tokenizer.Pieces, again.Pieces);
            foreach (JsonElement item in Fixtures.Lines(Path.Combine(folder, "spm_cases.jsonl.gz")))
                Check(item.Has("parts") ? tokenizer : again, entry.Id(), item, tally);
            output.WriteLine($"{entry.Id()}: {tally.Run - before} checks, {tally.Failed - failed} failed");
        }

        tally.Finish("SentencePiece models");
    }

    [Fact]
    public void A_real_model_gives_the_ids_and_pieces_of_SentencePiece()
    {
        if (Fixtures.Data(output, "tokenizer-vectors/sentencepiece") is not { } folder)
            return;
        var tally = new Tally(output);
        SentencePieceTokenizer tokenizer = SentencePieceTokenizer.FromFile(Path.Combine(folder, "sp_test_model.model"));
        foreach (JsonElement entry in Fixtures.Lines(Path.Combine(folder, "sp_test_model-vectors.jsonl.gz")))
        {
            IReadOnlyList<EncodedToken> tokens = tokenizer.EncodeText(entry.Text("text")).Tokens;
            tally.Check(entry.Text("text"), entry.Ints("ids"), tokens.Select(t => t.Id));
            tally.Check(entry.Text("text"), entry.GetProperty("pieces").EnumerateArray().Select(p => p.GetString()!), tokens.Select(t => t.Text));
        }

        tally.Finish("SentencePiece test model");
    }

    private static void Check(SentencePieceTokenizer tokenizer, string model, JsonElement entry, Tally tally)
    {
        if (entry.Has("parts"))
        {
            tally.Check($"{model} {entry.Id()}", Fixtures.Runs(entry.GetProperty("ids_rle")), tokenizer.Encode(Fixtures.Repeat(entry.GetProperty("parts"))));
            return;
        }

        string text = entry.Text("text"), name = $"{model} {JsonSerializer.Serialize(text)}";
        IReadOnlyList<EncodedToken> tokens = tokenizer.EncodeText(text).Tokens;
        tally.Check(name, entry.Ints("ids"), tokens.Select(t => t.Id));
        tally.Check(name + " pieces", entry.GetProperty("pieces").EnumerateArray().Select(p => p.GetString()!), tokens.Select(t => t.Text));
        tally.Check(
            name + " offsets",
            entry.GetProperty("byte_offsets").EnumerateArray().Select(o => $"{o[0].GetInt32()}-{o[1].GetInt32()}"),
            tokens.Select(t => $"{Bytes(text, t.Start)}-{Bytes(text, t.End)}"));
        tally.Check(name + " decoded", entry.Text("decoded"), tokenizer.Decode(entry.Ints("ids")));
    }

    private static int Bytes(string text, int place) => Encoding.UTF8.GetByteCount(text.AsSpan(0, place));
}
