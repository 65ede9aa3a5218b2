using System.Globalization;
using System.Text;
using System.Text.Json;
using Craton.Tokenizers.Files;
using Xunit.Abstractions;

namespace Craton.Tokenizers.Tests;

[Trait("Category", "Golden")]
public sealed class VectorTests(ITestOutputHelper output)
{
    [Fact]
    public void Gpt2_gives_the_ids_of_tiktoken_and_llama_cpp()
    {
        if (Fixtures.Data(output, "tokenizer-vectors") is not { } data)
            return;
        using var folder = new TemporaryFolder();
        BpeTokenizer tokenizer = BpeTokenizer.FromVocabularyAndMerges(
            Fixtures.Unpack(Path.Combine(data, "gpt2", "encoder.json.gz"), folder),
            Fixtures.Unpack(Path.Combine(data, "gpt2", "vocab.bpe.gz"), folder),
            "<|endoftext|>");
        Assert.Equal(50257, tokenizer.VocabularySize);
        Assert.Equal(50256, tokenizer.EndOfText);
        var tally = new Tally(output);
        foreach (JsonElement entry in Fixtures.Lines(Path.Combine(data, "tiktoken", "gpt2-vectors.jsonl.gz")))
            tally.Check(entry.Text("text"), entry.Ints("ids"), tokenizer.Encode(entry.Text("text")));

        string input = File.ReadAllText(Path.Combine(data, "llama.cpp", "ggml-vocab-gpt-2.gguf.inp"), Encoding.UTF8);
        string[] texts = input.Split("\n__ggml_vocab_test__\n")[..^1];
        string[] expected = File.ReadAllLines(Path.Combine(data, "llama.cpp", "ggml-vocab-gpt-2.gguf.out"));
        for (int i = 0; i < texts.Length; i++)
        {
            IEnumerable<int> ids = expected[i].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(t => int.Parse(t, CultureInfo.InvariantCulture));
            tally.Check(texts[i], ids, tokenizer.Encode(texts[i]));
        }

        tally.Finish("gpt2");
    }

    [Fact]
    public void Cl100k_gives_the_ids_of_tiktoken_also_after_saving()
    {
        if (Fixtures.Data(output, "tokenizer-vectors/tiktoken") is not { } data)
            return;
        using var folder = new TemporaryFolder();
        BpeTokenizer tokenizer = BpeTokenizer.FromTiktoken(Fixtures.Unpack(Path.Combine(data, "cl100k_base.tiktoken.gz"), folder), "cl100k_base");
        Assert.Equal(100277, tokenizer.VocabularySize);
        tokenizer.Save(folder.Path);
        Tokenizer again = Tokenizer.Load(folder.Path);
        Assert.Equal(100257, again.EndOfText);
        var tally = new Tally(output);
        foreach (JsonElement entry in Fixtures.Lines(Path.Combine(data, "cl100k_base-vectors.jsonl.gz")))
        {
            tally.Check(entry.Text("text"), entry.Ints("ids"), tokenizer.Encode(entry.Text("text")));
            tally.Check("saved " + entry.Text("text"), entry.Ints("ids"), again.Encode(entry.Text("text")));
            Assert.Equal(entry.Text("text"), tokenizer.Decode(entry.Ints("ids")));
        }

        tally.Finish("cl100k");
    }

    [Theory]
    [InlineData("roberta-base")]
    [InlineData("whisper-tiny")]
    [InlineData("clip")]
    [InlineData("minilm-model2vec-test")]
    [InlineData("phi-3-mini")]
    [InlineData("t5-small")]
    public void Hugging_Face_files_give_the_ids_of_the_reference(string name)
    {
        if (Fixtures.Data(output, $"tokenizer-vectors/hf/{name}") is not { } data)
            return;
        Tokenizer tokenizer = TokenizerJsonReader.Parse(Fixtures.Read(Path.Combine(data, "tokenizer.json.gz")), name);
        var tally = new Tally(output);
        foreach (JsonElement entry in Fixtures.Lines(Path.Combine(data, "vectors.jsonl.gz")))
        {
            string text = entry.Text("text");
            tally.Check(text, entry.Ints("ids"), tokenizer.Encode(text, allowSpecial: true));
            tally.Check(text + " special", entry.Ints("ids_special"), tokenizer.EncodeText(text, options: new EncodeOptions { AllowSpecial = true }).Ids);
            tally.Check(text + " decoded", entry.Text("decoded"), tokenizer.Decode(entry.Ints("ids"), skipSpecial: false));
        }

        tally.Finish(name);
    }
}
