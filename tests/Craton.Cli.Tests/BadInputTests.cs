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

    [Fact]
    public void UnknownVerb()
    {
        ToolResult result = _tool.Run("trian");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("craton --help", result.Error, StringComparison.Ordinal);
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
