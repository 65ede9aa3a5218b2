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
