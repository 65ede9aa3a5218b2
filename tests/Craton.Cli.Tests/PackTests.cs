using System.Diagnostics;
using Xunit.Abstractions;

namespace Craton.Cli.Tests;

/// <summary>A program that carries a model. The stand-in for one that needs no runtime is this build's own, which finds its parts beside it.</summary>
public sealed class PackTests(TrainedModel trained, ITestOutputHelper output) : IClassFixture<TrainedModel>
{
    private string Chat => trained.Tool.At(trained.Chat);

    private string Model => trained.Tool.At(trained.Model);

    private static readonly string Program = Path.ChangeExtension(Tool.Dll, OperatingSystem.IsWindows() ? ".exe" : null);

    [Fact]
    public void A_packed_program_answers_as_the_model_does()
    {
        using var tool = new Tool();
        string packed = Path.Combine(AppContext.BaseDirectory, $"packed-{Guid.NewGuid():N}"), again = packed + "-again";
        try
        {
            Assert.True((long)tool.Run("pack", Chat, "-o", packed, "--program", Program, "--json").Json["bytes"]! > new FileInfo(Program).Length);
            string expected = tool.RunWith("hello\n", "chat", "-m", Chat, "--temperature", "0", "--max-tokens", "12").Output;
            ToolResult answer = Run(tool, packed, "hello", "--temperature", "0", "--max-tokens", "12");
            Assert.Equal((0, expected), (answer.ExitCode, answer.Output));
            Assert.Single(Directory.GetDirectories(tool.At("cache/packed")));
            Assert.Equal(expected, Run(tool, packed, "hello", "--temperature", "0", "--max-tokens", "12").Output); // laid out once

            // What carries a model already gives its program alone.
            tool.Run("pack", Chat, "-o", again, "--program", packed, "--json");
            Assert.Equal(File.ReadAllBytes(packed).Length, File.ReadAllBytes(again).Length);

            using (FileStream file = File.OpenWrite(packed))
            {
                file.Position = new FileInfo(Program).Length + 10; // within the model
                file.WriteByte((byte)'?');
            }
            Directory.Delete(tool.At("cache"), recursive: true);
            answer = Run(tool, packed, "hello");
            Assert.Equal(2, answer.ExitCode);
            Assert.Contains("the model in it is damaged", answer.Error, StringComparison.Ordinal);
            Assert.Empty(Directory.GetDirectories(tool.At("cache/packed")));
        }
        finally
        {
            File.Delete(packed);
            File.Delete(again);
        }
    }

    /// <summary>The whole way: the SDK makes the program, which then runs where there is no .NET, and packs itself there. The SDK gets the runtime for it
    /// from the package source and compiles everything ahead, two minutes of work: asked for by CRATON_PACK=1.</summary>
    [Fact]
    public void A_program_is_made_that_needs_nothing_else_on_the_machine()
    {
        if (Environment.GetEnvironmentVariable("CRATON_PACK") != "1")
        {
            output.WriteLine("skipped: publishes the whole tool; set CRATON_PACK=1 to run it");
            return;
        }
        using var tool = new Tool();
        string app = tool.At("app"), again = tool.At("again");
        tool.RunLong("pack", Chat, "-o", app, "--json");
        string expected = tool.RunWith("hello\n", "chat", "-m", Chat, "--temperature", "0", "--max-tokens", "12").Output;
        Assert.Equal(expected, RunBare(tool, app, "hello", "--temperature", "0", "--max-tokens", "12").Output);

        // The program alone: the model behind it is cut off.
        long length = new FileInfo(app).Length, model = Directory.GetFiles(Chat).Sum(file => new FileInfo(file).Length);
        output.WriteLine($"{length / 1e6:F1} MB, of which the model {model / 1e6:F1} MB");
        string program = Path.Combine(tool.Folder, "craton");
        File.Copy(app, program);
        using (FileStream file = File.OpenWrite(program)) file.SetLength(length - 1);
        Assert.Equal(0, RunBare(tool, program, "pack", Chat, "-o", again).ExitCode);
        Assert.Equal(expected, RunBare(tool, again, "hello", "--temperature", "0", "--max-tokens", "12").Output);
    }

    [Fact]
    public void What_cannot_be_packed_is_said()
    {
        using var tool = new Tool();
        ToolResult result = tool.Run("pack", Model, "-o", tool.At("app"), "--program", Program);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("has no chat template", result.Error, StringComparison.Ordinal);
        result = tool.Run("pack", Chat, "-o", tool.At("app"), "--program", tool.At("nothing"));
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("--program:", result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(tool.At("app")));
    }

    private static ToolResult Run(Tool tool, string program, params string[] arguments)
    {
        using Process process = tool.StartProgram(program, arguments);
        return Tool.Finish(process, "");
    }

    // As in a container: no .NET, no variables but these.
    private static ToolResult RunBare(Tool tool, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = tool.Folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Clear();
        foreach ((string name, string value) in new[] { ("PATH", "/usr/bin"), ("HOME", tool.Folder), ("DOTNET_ROOT", "/nonexistent"), ("CRATON_THREADS", "1") }) start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        return Tool.Finish(process, "");
    }
}
