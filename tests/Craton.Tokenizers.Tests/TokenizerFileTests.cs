using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Tokenizers.Files;

namespace Craton.Tokenizers.Tests;

public sealed class TokenizerFileTests
{
    [Theory]
    [InlineData(SplitPattern.None)]
    [InlineData(SplitPattern.Gpt2)]
    [InlineData(SplitPattern.TiktokenCl100k)]
    [InlineData(SplitPattern.O200k)]
    public void A_saved_tokenizer_is_the_same_tokenizer_and_the_same_bytes(SplitPattern pattern)
    {
        using var folder = new TemporaryFolder();
        BpeTokenizer tokenizer = TestTokenizers.Trained(pattern).WithSpecialTokens("<|pad|>");
        tokenizer.ChatTemplate = "{{ bos_token }}{% for m in messages %}\"é\"{% endfor %}";
        (tokenizer.EosToken, tokenizer.PadToken) = (TestTokenizers.End, "<|pad|>");
        tokenizer.Save(folder.Path);
        byte[] first = File.ReadAllBytes(Path.Combine(folder.Path, "tokenizer.json"));
        byte[] config = File.ReadAllBytes(Path.Combine(folder.Path, "tokenizer_config.json"));

        var again = (BpeTokenizer)Tokenizer.Load(folder.Path);
        again.Save(folder.Path);
        Assert.Equal(first, File.ReadAllBytes(Path.Combine(folder.Path, "tokenizer.json")));
        Assert.Equal(config, File.ReadAllBytes(Path.Combine(folder.Path, "tokenizer_config.json")));
        Assert.Equal(tokenizer.ChatTemplate, again.ChatTemplate);
        Assert.Equal(again.VocabularySize - 1, again.IdOf("<|pad|>"));
        Assert.Equal(1, again.EndOfText);
        string text = string.Join('\n', TestTokenizers.Corpus());
        Assert.Equal(tokenizer.Encode(text), again.Encode(text));
        Assert.Empty(Directory.GetFiles(folder.Path, "*.tmp"));
    }

    [Fact]
    public void A_file_is_loaded_by_its_own_path_and_a_template_file_wins()
    {
        using var folder = new TemporaryFolder();
        TestTokenizers.Trained(SplitPattern.Gpt2).Save(folder.Path);
        File.WriteAllText(Path.Combine(folder.Path, "chat_template.jinja"), "template");
        File.WriteAllText(Path.Combine(folder.Path, "tokenizer_config.json"), """{"eos_token":{"content":"<|im_end|>","lstrip":false},"chat_template":"other"}""");
        Tokenizer tokenizer = Tokenizer.Load(Path.Combine(folder.Path, "tokenizer.json"));
        Assert.Equal("template", tokenizer.ChatTemplate);
        Assert.Equal(1, tokenizer.EndOfText);
    }

    [Fact]
    public void Character_and_byte_vocabularies_come_back_from_files()
    {
        using var folder = new TemporaryFolder();
        CharTokenizer characters = CharTokenizer.Train(["héllo 😀", "world\n"], ["<eos>"], unknownToken: "<unk>");
        characters.Save(folder.Path);
        Tokenizer again = Tokenizer.Load(folder.Path);
        Assert.IsType<CharTokenizer>(again);
        Assert.Equal(characters.Encode("wé😀?"), again.Encode("wé😀?"));
        Assert.Equal(again.IdOf("<unk>"), again.Encode("?")[0]);
        Assert.Equal("wé😀", again.Decode(again.Encode("wé😀")));
        Assert.Equal([new TokenSpan(again.IdOf("😀")!.Value, 0, 2), new TokenSpan(again.IdOf("é")!.Value, 2, 3)], again.EncodeWithOffsets("😀é"));

        BpeTokenizer bytes = ByteTokenizer.Create("<|endoftext|>");
        bytes.Save(folder.Path);
        again = Tokenizer.Load(folder.Path);
        Assert.Equal([0xC3, 0xA9, 10, 0], again.Encode("é\n\0"));
        Assert.Equal(256, again.EndOfText);
        Assert.Equal(257, again.VocabularySize);
    }

    [Fact]
    public void An_unknown_character_is_named()
    {
        CharTokenizer tokenizer = CharTokenizer.Train(["abc"]);
        TokenizerException error = Assert.Throws<TokenizerException>(() => tokenizer.Encode("abd"));
        Assert.Contains("U+0064", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Both_spellings_of_merges_are_read()
    {
        string pairs = SmallFile(merges: [("a", "b")], vocabulary: ["a", "b", "ab"]);
        string strings = pairs.Replace("""["a","b"]""", "\"a b\"", StringComparison.Ordinal);
        Assert.NotEqual(pairs, strings);
        Assert.Equal([2, 0], Parse(pairs).Encode("aba"));
        Assert.Equal([2, 0], Parse(strings).Encode("aba"));
    }

    [Theory]
    [InlineData("""{"a":0,"b":0}""", "the id 0")]
    [InlineData("""{"a":0,"b":2}""", "id 1")]
    [InlineData("""{"a":-1}""", "-1")]
    [InlineData("""{"a":1.5}""", "1.5")]
    [InlineData("""{"a":0,"a":1}""", "JSON")]
    [InlineData("""{"a":16000000}""", "16000000")]
    [InlineData("""{"a":99999999999}""", "99999999999")]
    [InlineData("""[]""", "an object")]
    public void Damaged_vocabularies_are_refused(string vocabulary, string named)
    {
        string json = SmallFile().Replace("""{"a":0,"b":1}""", vocabulary, StringComparison.Ordinal);
        TokenizerFileException error = Assert.Throws<TokenizerFileException>(() => Parse(json));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"merges\":[]", "\"merges\":[[\"a\",\"b\"]]", "\"ab\" is not in the vocabulary")]
    [InlineData("\"merges\":[]", "\"merges\":[\"a b c\"]", "expected two tokens")]
    [InlineData("\"merges\":[]", "\"merges\":[\"a x\"]", "\"x\" is not in the vocabulary")]
    [InlineData("\"type\":\"BPE\"", "\"type\":\"Unigram\"", "an array")]
    [InlineData("\"type\":\"BPE\"", "\"type\":\"Hashed\"", "Hashed")]
    [InlineData("\"dropout\":null", "\"dropout\":0.1", "dropout")]
    [InlineData("\"decoder\":{\"type\":\"ByteLevel\"}", "\"decoder\":{\"type\":\"Rot13\"}", "Rot13")]
    [InlineData("\"normalizer\":null", "\"normalizer\":{\"type\":\"Uppercase\"}", "Uppercase")]
    [InlineData("\"normalizer\":null", "\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAAA\"}", "charsmap")]
    [InlineData("\"pre_tokenizer\":{\"type\":\"ByteLevel\"", "\"pre_tokenizer\":{\"type\":\"Sentences\"", "Sentences")]
    [InlineData("\"post_processor\":null", "\"post_processor\":{\"type\":\"Unknown\"}", "Unknown")]
    [InlineData("\"post_processor\":null", "\"post_processor\":{\"type\":\"BertProcessing\",\"cls\":[\"a\",9],\"sep\":[\"a\",0]}", "outside the vocabulary")]
    [InlineData("\"added_tokens\":[]", "\"added_tokens\":[{\"id\":1,\"content\":\"zz\"}]", "\"zz\"")]
    [InlineData("\"added_tokens\":[]", "\"added_tokens\":[{\"id\":2,\"content\":\"zz\"},{\"id\":2,\"content\":\"y\"}]", "the id 2")]
    [InlineData("\"added_tokens\":[]", "\"added_tokens\":[{\"id\":9000000,\"content\":\"zz\"}]", "9000000")]
    public void What_is_not_supported_or_contradicts_itself_is_named(string part, string replacement, string named)
    {
        string json = SmallFile();
        Assert.Contains(part, json, StringComparison.Ordinal);
        TokenizerFileException error = Assert.Throws<TokenizerFileException>(() => Parse(json.Replace(part, replacement, StringComparison.Ordinal)));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(@"(a)\1", "\\1")]
    [InlineData("(a", "without a )")]
    [InlineData("a{2000}", "1000")]
    [InlineData("(((a{500}){500}){500})", "repeats too much")]
    [InlineData("[b-a]", "range")]
    [InlineData(@"\p{Klingon}", "Klingon")]
    [InlineData("(?<=a+)b", "fixed length")]
    public void A_pattern_that_cannot_be_used_is_refused_with_its_text(string pattern, string named)
    {
        string json = SmallFile().Replace(
            """{"type":"ByteLevel","add_prefix_space":false,"use_regex":true}""",
            $$"""{"type":"Split","pattern":{"Regex":{{JsonSerializer.Serialize(pattern)}}},"behavior":"Isolated","invert":false}""",
            StringComparison.Ordinal);
        Assert.Contains(named, Assert.Throws<TokenizerFileException>(() => Parse(json)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_map_of_special_tokens_names_what_fills_texts_of_clip()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(Path.Combine(folder.Path, "vocab.json"), """{"!":0,"a</w>":1,"<|startoftext|>":2,"<|endoftext|>":3}""");
        File.WriteAllText(Path.Combine(folder.Path, "merges.txt"), "#version: 0.2\n");
        File.WriteAllText(Path.Combine(folder.Path, "tokenizer_config.json"), """{"pad_token":"<|endoftext|>","eos_token":{"content":"<|endoftext|>"}}""");
        File.WriteAllText(Path.Combine(folder.Path, "special_tokens_map.json"), """{"pad_token":"!"}""");
        Tokenizer tokenizer = Tokenizer.Load(folder.Path);
        Assert.Equal("!", tokenizer.PadToken);
        Assert.Equal("<|endoftext|>", tokenizer.EosToken);
        Assert.Equal([2, 1, 3], tokenizer.EncodeText(" A ").Ids);
    }

    [Fact]
    public void Damaged_files_of_clip_are_refused_or_read()
    {
        using var folder = new TemporaryFolder();
        string vocabulary = Path.Combine(folder.Path, "vocab.json"), merges = Path.Combine(folder.Path, "merges.txt");
        byte[] bytes = Encoding.UTF8.GetBytes("""{"a":0,"b":1,"b</w>":2,"ab</w>":3,"\u0120":4,"<|startoftext|>":5,"<|endoftext|>":6}""");
        File.WriteAllText(merges, "#version: 0.2\na b</w>\n");
        using FileStream file = new(vocabulary, FileMode.Create, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        var random = new Random(13);
        int read = 0;
        for (int round = 0; round < 100_000; round++)
        {
            byte[] mutated = [.. bytes];
            for (int edits = random.Next(1, 4); edits > 0; edits--)
                mutated[random.Next(mutated.Length)] = random.Next(2) == 0 ? (byte)random.Next(256) : (byte)"\"\\{}[],:0123456789u<|>/w"[random.Next(24)];
            RandomAccess.Write(file.SafeFileHandle, mutated, 0);
            try
            {
                _ = Tokenizer.Load(folder.Path).EncodeText("Ab AB");
                read++;
            }
            catch (TokenizerException)
            {
            }
        }

        Assert.True(read > 1000);
    }

    [Fact]
    public void Truncations_and_mutations_only_ever_give_the_file_exception()
    {
        byte[] file = Encoding.UTF8.GetBytes(SmallFile(vocabulary: ["a", "b", "ab", "<e>"], merges: [("a", "b")], special: ("<e>", 3)));
        int refused = 0;
        for (int length = 0; length < file.Length; length++)
            refused += Try(file[..length]);
        Assert.Equal(file.Length, refused);

        var random = new Random(11);
        byte[] interesting = [0, 0xFF, (byte)'"', (byte)'{', (byte)'}', (byte)'[', (byte)']', (byte)',', (byte)':', (byte)'-', (byte)'9', (byte)'\\'];
        for (int round = 0; round < 20_000; round++)
        {
            byte[] mutated = [.. file];
            for (int edits = random.Next(1, 4); edits > 0; edits--)
                mutated[random.Next(mutated.Length)] = random.Next(2) == 0 ? interesting[random.Next(interesting.Length)] : (byte)random.Next(256);
            refused += Try(mutated);
        }

        Assert.True(refused > file.Length);
        Assert.Equal(1, Try(Encoding.UTF8.GetBytes(new string('[', 10_000))));
        Assert.Equal(1, Try(Encoding.UTF8.GetBytes(SmallFile().Replace("\"b\"", "\"\\ud800\"", StringComparison.Ordinal))));
    }

    [Fact]
    public void Missing_files_are_named()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("tokenizer.json", Assert.Throws<TokenizerFileException>(() => Tokenizer.Load(folder.Path)).Message, StringComparison.Ordinal);
        string path = Path.Combine(folder.Path, "x.json");
        Assert.Equal(path, Assert.Throws<TokenizerFileException>(() => Tokenizer.Load(path)).File);
        File.WriteAllText(path, "YQ== 0\nYg== 0\n");
        Assert.Contains("line 2", Assert.Throws<TokenizerFileException>(() => BpeTokenizer.FromTiktoken(path, "cl100k_base")).Message, StringComparison.Ordinal);
        File.WriteAllText(path, "!! 0\n");
        Assert.Contains("base64", Assert.Throws<TokenizerFileException>(() => BpeTokenizer.FromTiktoken(path, "gpt2")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_byte_without_a_token_is_named()
    {
        Assert.Contains("0x63", Assert.Throws<TokenizerException>(() => Parse(SmallFile()).Encode("abc")).Message, StringComparison.Ordinal);
    }

    internal static Tokenizer Parse(string json) => TokenizerJsonReader.Parse(Encoding.UTF8.GetBytes(json), "test.json");

    /// <summary>A small complete file, on one line.</summary>
    internal static string SmallFile(
        bool ignoreMerges = false, string[]? vocabulary = null, (string, string)[]? merges = null, (string Content, int Id)? special = null)
    {
        var vocab = new JsonObject();
        foreach (string token in vocabulary ?? ["a", "b"])
            vocab.Add(token, vocab.Count);
        var added = new JsonArray();
        if (special is { } s)
            added.Add(new JsonObject { ["id"] = s.Id, ["content"] = s.Content, ["special"] = true });
        var file = new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = added,
            ["normalizer"] = null,
            ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["use_regex"] = special is null },
            ["post_processor"] = null,
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["ignore_merges"] = ignoreMerges,
                ["vocab"] = vocab,
                ["merges"] = new JsonArray([.. (merges ?? []).Select(m => (JsonNode)new JsonArray(m.Item1, m.Item2))]),
            },
        };
        return file.ToJsonString(new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }

    private static int Try(byte[] json)
    {
        try
        {
            _ = TokenizerJsonReader.Parse(json, "test.json");
            return 0;
        }
        catch (TokenizerFileException)
        {
            return 1;
        }
    }
}
