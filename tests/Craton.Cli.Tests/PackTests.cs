using System.Diagnostics;

namespace Craton.Cli.Tests;

/// <summary>A program that carries a model. The stand-in for one that needs no runtime is this build's own, which finds its parts beside it.</summary>
public sealed class PackTests(TrainedModel trained) : IClassFixture<TrainedModel>
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
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, WorkingDirectory = tool.Folder };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        start.Environment["CRATON_CACHE"] = tool.At("cache");
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new ToolResult(process.ExitCode, output, errors.Result);
    }
}
