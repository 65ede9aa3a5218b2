using System.Globalization;
using System.Text;
using Craton.Models.Gguf;
using Craton.Tensors.IO;
using Craton.Tokenizers;
using Xunit.Abstractions;

namespace Craton.Models.Tests;

/// <summary>Vocabularies of real models in GGUF files against the ids that llama.cpp gives.</summary>
public sealed class GgufVocabularyTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(SentencePieceAlgorithm.Bpe)]
    [InlineData(SentencePieceAlgorithm.Unigram)]
    public void A_SentencePiece_vocabulary_comes_back_from_a_GGUF_file(SentencePieceAlgorithm algorithm)
    {
        using var folder = new TemporaryFolder();
        var original = new SentencePieceTokenizer(
            [new("<unk>", 0, SentencePieceKind.Unknown), new("<s>", 0, SentencePieceKind.Control), new("</s>", 0, SentencePieceKind.Control), new("\u2581", -2), new("a", -3), new("b", -4), new("ab", -1), new("\u2581ab", -1.5f), new("<x>", 0, SentencePieceKind.UserDefined)],
            new SentencePieceOptions { Algorithm = algorithm, Charsmap = Convert.FromBase64String("BAAAAAAAAABhAA==") })
        { BosToken = "<s>", EosToken = "</s>", ChatTemplate = "plain" };
        original.ChatTemplates["tool_use"] = "{{ tools|length }} tools";
        original.Save(folder.Path);
        string path = folder.At("vocabulary.gguf");
        GgufWriter.Save(path, [.. GgufVocabulary.Read(folder.Path, size: 12)], []);
        using GgufFile file = GgufFile.Open(path);
        Tokenizer again = GgufTokenizer.Load(file);
        foreach (string text in new[] { "ab a  b<x>ab", " ab </s> c", "" })
        {
            Assert.Equal(original.EncodeText(text).Ids, again.EncodeText(text).Ids);
            Assert.Equal(original.Encode(text, allowSpecial: true), again.Encode(text, allowSpecial: true));
        }

        Assert.Equal("</s>", again.EosToken);
        Assert.Equal(12, again.VocabularySize);
        Assert.Equal(original.ChatTemplates, again.ChatTemplates);
    }

    [Fact]
    [Trait("Category", "Golden")]
    public void Vocabularies_give_the_ids_of_llama_cpp()
    {
        string? data = Environment.GetEnvironmentVariable("CRATON_DATA");
        string folder = Path.Combine(data ?? "", "tokenizer-vectors", "llama.cpp");
        if (data is null || !Directory.Exists(folder))
        {
            output.WriteLine("skipped: CRATON_DATA is not set or has no tokenizer-vectors/llama.cpp");
            return;
        }

        var failures = new List<string>();
        int checks = 0;
        foreach (string path in Directory.EnumerateFiles(folder, "*.gguf").Order(StringComparer.Ordinal))
        {
            using GgufFile file = GgufFile.Open(path);
            Tokenizer tokenizer = GgufTokenizer.Load(file);
            string[] texts = File.ReadAllText(path + ".inp", Encoding.UTF8).Split("\n__ggml_vocab_test__\n")[..^1];
            string[] expected = File.ReadAllLines(path + ".out");
            for (int i = 0; i < texts.Length; i++, checks++)
            {
                string actual = string.Join(' ', tokenizer.Encode(texts[i], allowSpecial: false).Select(id => id.ToString(CultureInfo.InvariantCulture)));
                if (actual != expected[i].Trim())
                    failures.Add($"{Path.GetFileName(path)} '{texts[i]}'\n  expected {expected[i].Trim()}\n  actual   {actual}");
            }
        }

        output.WriteLine($"llama.cpp vocabularies: {checks} checks, {failures.Count} failed");
        Assert.True(failures.Count == 0 && checks > 0, $"{failures.Count} of {checks} differ\n{string.Join('\n', failures.Take(20))}");
    }
}
