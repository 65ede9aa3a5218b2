using Xunit.Abstractions;

namespace Craton.Cli.Tests;

/// <summary>Mistakes of users: one sentence, exit code 2, nothing lost.</summary>
public sealed class BadInputTests(TrainedModel trained, ITestOutputHelper log) : IClassFixture<TrainedModel>, IDisposable
{
    private readonly Tool _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void MissingModelDirectory() => Bad.Expect(_tool.Run("generate", "-m", "nowhere", "a"), "'nowhere' is no model directory", "config.json");

    [Fact]
    public void ModelThatWasNotTunedToConverse() => Bad.Expect(trained.Tool.RunWith("hello\n", "chat", "-m", trained.Model), "has no chat template", "craton generate");

    [Fact]
    public void AnswerLongerThanTheContext() =>
        Bad.Expect(trained.Tool.Run("generate", "-m", trained.Model, "the cat", "--max-tokens", "1000"), "context of 64", "at most");

    [Fact]
    public void PromptLongerThanTheContext() => Bad.Expect(trained.Tool.Run("generate", "-m", trained.Model, new string('a', 100)), "context 64", "shorten the prompt");

    [Fact]
    public void PromptIdsOutsideTheVocabulary() => Bad.Expect(trained.Tool.Run("generate", "-m", trained.Model, "--prompt-ids", "1,99999"), "99999");

    [Fact]
    public void PromptIdsThatAreNoNumbers() => Bad.Expect(trained.Tool.Run("generate", "-m", trained.Model, "--prompt-ids", "1,x"), "--prompt-ids", "'x'");

    [Fact]
    public void SamplingValueOutOfRange() => Bad.Expect(trained.Tool.Run("generate", "-m", trained.Model, "a", "--top-p", "2"), "--top-p", "got 2");

    public static TheoryData<string, string[]> CommandLines => new()
    {
        // the command line, and what the sentence must say
        { "", ["needs a verb", "quickstart, data"] },
        { "trian", ["no verb 'trian'", "did you mean 'train'?"] },
        { "data biuld", ["no verb 'biuld'", "did you mean 'build'?"] },
        { "train a.yaml --resum", ["no option '--resum'", "did you mean '--resume'?"] },
        { "generate -m MODEL a b", ["takes no argument 'b'"] },
        { "generate a", ["--model", "required"] },
        { "generate -m MODEL a --seed -3", ["--seed: expected a whole number of at least 0, got '-3'"] },
        { "generate -m MODEL a --temperature hot", ["--temperature: expected a number, got 'hot'"] },
        { "generate -m MODEL a --temperature nan", ["--temperature: expected 0 to 100, got NaN"] },
        { "generate -m MODEL a --temperature -1", ["--temperature: expected 0 to 100, got -1"] },
        { "generate -m MODEL a --top-k -1", ["--top-k: expected 0 or more, got -1"] },
        { "generate -m MODEL a --min-p nan", ["--min-p: expected 0 to 1, got NaN"] },
        { "generate -m MODEL a --repetition-penalty 0", ["--repetition-penalty: expected above 0"] },
        { "generate -m MODEL a --max-tokens -1", ["--max-tokens: expected 0 or more, got -1"] },
        { "generate -m MODEL a --logprobs -1", ["--logprobs: expected 0 to 100, got -1"] },
        { "generate -m MODEL a --beams 0", ["--beams: expected 1 to 256, got 0"] },
        { "generate -m MODEL a --beams 2 --length-penalty 1000", ["--length-penalty: expected -100 to 100, got 1000"] },
        { "generate -m MODEL a --beams 2 --temperature 1", ["--temperature was given with --beams"] },
        { "generate -m MODEL a --beams 2 --echo", ["expected one of them"] },
        { "generate -m MODEL a --beams 2 --early-stopping soon", ["--early-stopping", "'soon'"] },
        { "generate -m MODEL a --steps 4", ["--steps was given", "text-diffusion"] },
        { "generate -m MODEL a --typical-p 0", ["--typical-p: expected above 0"] },
        { "generate -m MODEL --prompt-ids ,", ["the prompt is empty"] },
        { "generate -m MODEL --prompt-ids -1", ["--prompt-ids", "'-1'"] },
        { "generate -m MODEL a --prompt-ids 1", ["expected one of them"] },
        { "generate -m MODEL a --threads 0", ["--threads: expected 1 to 1024, got 0"] },
        { "eval -m MODEL -t bits-per-bite", ["'bits-per-bite' is unknown", "did you mean 'bits-per-byte'?"] },
        { "eval -m MODEL -t answers", ["has no chat template"] },
        { "eval -m MODEL --max-documents 0", ["--max-documents: expected at least 1, got 0"] },
        { "train nowhere.yaml", ["recipe 'nowhere.yaml' cannot be read"] },
        { "train .", ["recipe '.' is a folder"] },
        { "train empty.txt", ["expected the kind of recipe"] },
        { "train tiny.yaml --set name=../x", ["name '../x': expected a plain folder name"] },
        { "train tiny.yaml --runs empty.txt", ["empty.txt/tiny"] },
        { "train tiny.yaml --set name=vocabulary tokenizer.kind=bpe tokenizer.vocab_size=5000", ["tokenizer.vocab_size is 5000", "allows only", "--set tokenizer.vocab_size="] },
        { "train tiny.yaml --set name=short data.source=one.txt", ["a text of at least 65, got 1"] },
        { "train tiny.yaml --set name=empty data.source=empty.txt", ["'empty.txt': the text is empty"] },
        { "train tiny.yaml --set name=docs data.source=dotnet-docs:nowhere", ["'nowhere' holds no .NET API documentation", "give the root of a .NET SDK"] },
        { "train tiny.yaml --set name=heads model.heads=6", ["model.width is 32, expected a multiple of"] },
        { "data inspect nowhere.txt", ["'nowhere.txt' does not exist"] },
        { "data inspect nowhere/*.txt", ["the folder 'nowhere' does not exist"] },
        { "data inspect latin1.txt", ["'latin1.txt' byte 3: expected UTF-8 text, got the byte 0xE9"] },
        { "data inspect empty.txt", ["'empty.txt': the text is empty"] },
        { "data build one.txt --vocab-size 300 --cleaning foo --out built", ["'foo' not recognized", "docs"] },
        { "data pull nowhere", ["no data set 'nowhere'", "names"] },
        { "tok train one.txt --vocab-size 300 --out tok", ["--vocab-size is 300", "allows only 259"] },
        { "tok train empty.txt --vocab-size 300 --out tok", ["'empty.txt': the text is empty"] },
        { "tok train one.txt --vocab-size -1 --out tok", ["--vocab-size: expected at least 259"] },
        { "tok decode -m MODEL 1,99999", ["99999 is outside the vocabulary"] },
        { "quickstart --minutes nan", ["--minutes: expected a time above 0, got NaN"] },
    };

    [Theory]
    [MemberData(nameof(CommandLines))]
    public void OneSentenceSaysWhatIsWrong(string line, string[] parts)
    {
        ToolResult result = In(trained.Tool, line);
        Bad.Expect(result, parts);
        Assert.Empty(result.Output);
        Assert.False(Directory.Exists(trained.Tool.At("built")) || Directory.Exists(trained.Tool.At("tok")));
    }

    private ToolResult In(Tool tool, string line)
    {
        tool.Write("empty.txt", "");
        tool.Write("one.txt", "a");
        File.WriteAllBytes(tool.At("latin1.txt"), [0x63, 0x61, 0x66, 0xE9]);
        return tool.Run([.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => word == "MODEL" ? trained.Model : word)]);
    }

    public static TheoryData<string, string?, string> Damages => new()
    {
        // the file, its new content (null: it is missing; cut: its first half), and what the sentence must say
        { "config.json", "{", "config.json: cannot be read as JSON" },
        { "config.json", """{"model_type":"bert"}""", "model_type is 'bert'" },
        { "model.safetensors", null, "expected model.safetensors" },
        { "model.safetensors", "cut", "'model/model.safetensors' at byte" },
        { "model.safetensors", "", "expected a safetensors file, got 0 bytes" },
        { "tokenizer.json", null, "holds no tokenizer" },
        { "tokenizer.json", "cut", "tokenizer.json" },
        { "generation_config.json", """{"top_p": 7}""", "top_p: expected above 0, at most 1, got 7" },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public void DamagedModelDirectory(string file, string? content, string part)
    {
        Directory.CreateDirectory(_tool.At("model"));
        foreach (string source in Directory.GetFiles(trained.Tool.At(trained.Model))) File.Copy(source, _tool.At("model/" + Path.GetFileName(source)));
        byte[] whole = File.ReadAllBytes(_tool.At("model/" + file));
        if (content is null) File.Delete(_tool.At("model/" + file));
        else File.WriteAllBytes(_tool.At("model/" + file), content == "cut" ? whole[..(whole.Length / 2)] : System.Text.Encoding.UTF8.GetBytes(content));
        Bad.Expect(_tool.Run("generate", "-m", "model", "the"), part);
    }

    [Fact]
    public void OutputFolderThatIsReadOnly()
    {
        if (_tool.WhyNoMounts() is { } why)
        {
            log.WriteLine($"skipped: {why}");
            return;
        }
        _tool.Write("text.txt", Tiny.Text());
        _tool.Write("tiny.yaml", Tiny.Recipe("text.txt"));
        Bad.Expect(_tool.RunInOwnMounts("mkdir runs; mount -t tmpfs -o ro none runs; craton train tiny.yaml"), "Read-only file system", "runs/tiny", "may be written to");
    }

    [Fact]
    public void ChangedSettingAfterAStartThatTrainedNothing_NeedsNoOtherName()
    {
        _tool.Write("text.txt", Tiny.Text());
        _tool.Write("tiny.yaml", Tiny.Recipe("text.txt"));
        Bad.Expect(_tool.Run("train", "tiny.yaml", "--set", "model.heads=6"), "model.width is 32");
        Assert.Equal(6, (int)_tool.Run("train", "tiny.yaml", "--json").Json["steps"]!);
    }

    [Fact]
    public void EmptyFolder()
    {
        Directory.CreateDirectory(_tool.At("empty"));
        Bad.Expect(_tool.Run("data", "inspect", "empty"), "No text file was found in 'empty'");
    }

    [Fact]
    public void BinaryFileAsText()
    {
        File.WriteAllBytes(_tool.At("binary.txt"), [0x89, 0x50, 0x4E, 0x47, 0, 1, 2, 3]);
        Bad.Expect(_tool.Run("data", "build", "binary.txt", "--vocab-size", "300", "--out", "built"), "binary.txt", "binary");
        Assert.False(Directory.Exists(_tool.At("built")));
    }

    [Fact]
    public void RecipeWithSeveralMistakes_SaysAllAtOnce()
    {
        _tool.Write("text.txt", Tiny.Text());
        string recipe = Tiny.Recipe("text.txt").Replace("  warmup: 2", "  warmpu: 2", StringComparison.Ordinal).Replace("steps: 6", "steps: many", StringComparison.Ordinal).Replace("depth: 1", "depth: -1", StringComparison.Ordinal);
        _tool.Write("bad.yaml", recipe);
        Bad.Expect(_tool.Run("train", "bad.yaml"), "warmpu", "warmup", "steps", "many", "depth");
        Assert.False(Directory.Exists(_tool.At("runs")));
    }

    [Fact]
    public void VocabularyLargerThanTheCorpusAllows()
    {
        _tool.Write("text.txt", "a b c");
        Bad.Expect(_tool.Run("tok", "train", "text.txt", "--vocab-size", "5000", "--out", "tok"), "5000", "allows only");
        Assert.False(Directory.Exists(_tool.At("tok")));
    }

    [Fact]
    public void TokenizerThatIsNotThere() => Bad.Expect(_tool.Run("tok", "encode", "-m", "nowhere", "a"), "'nowhere' does not exist");

    [Fact]
    public void RemovingWhatIsNoModel_OrWithoutConfirmation()
    {
        Directory.CreateDirectory(_tool.At("precious"));
        Bad.Expect(_tool.Run("rm", "precious", "--yes"), "neither a model directory");
        Bad.Expect(trained.Tool.RunWith("", "rm", trained.Model), "--yes");
        Assert.True(Directory.Exists(_tool.At("precious")));
        Assert.True(File.Exists(trained.Tool.At("runs/tiny/model/config.json")));
    }

    [Fact]
    public void NoDocumentationOnTheMachine()
    {
        if (_tool.WhyNoMounts() is { } why)
        {
            log.WriteLine($"skipped: {why}");
            return;
        }
        // Empties the documentation of every installation, in the child's own mounts.
        const string hide = "for d in $(dirname $(readlink -f $(command -v dotnet))) /usr/share/dotnet /usr/lib/dotnet /usr/lib64/dotnet /usr/local/share/dotnet /opt/dotnet $HOME/.dotnet; do [ -d $d/packs ] && mount -t tmpfs none $d/packs; done; ";
        Bad.Expect(_tool.RunInOwnMounts(hide + "unset DOTNET_ROOT; craton data inspect dotnet-docs"), "No .NET API documentation was found", "install a .NET SDK");
    }
}
