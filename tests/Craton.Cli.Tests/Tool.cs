using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Craton.Cli.Tests;

/// <summary>What a run of the tool gave.</summary>
internal sealed record ToolResult(int ExitCode, string Output, string Error)
{
    /// <summary>Standard output as the one JSON object it must be.</summary>
    public JsonObject Json
    {
        get
        {
            Assert.True(ExitCode == 0, $"exit code {ExitCode}: {Error}");
            return JsonNode.Parse(Output)!.AsObject();
        }
    }
}

/// <summary>Runs the built tool as a process of its own, in a folder of its own.</summary>
internal sealed class Tool : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>The tool lies beside the tests, which refer to its project.</summary>
    public static string Dll { get; } = Path.Combine(AppContext.BaseDirectory, "craton.dll");

    // What CRATON_TOOL names, such as a published program, or else the build.
    private static readonly string[] Command = Environment.GetEnvironmentVariable("CRATON_TOOL") is { Length: > 0 } program ? [program] : ["dotnet", Dll];

    public string Folder { get; } = Directory.CreateTempSubdirectory("craton-cli-").FullName;

    public string At(string name) => Path.Combine(Folder, name);

    public string Write(string name, string text)
    {
        File.WriteAllText(At(name), text);
        return At(name);
    }

    public ToolResult Run(params string[] args) => RunWith(null, args);

    /// <summary>Runs the tool for work that takes longer than its other tests.</summary>
    public ToolResult RunLong(params string[] args)
    {
        using Process process = Start(args);
        return Finish(process, null, 5 * Patience);
    }

    /// <summary>Runs the tool with a text on its standard input.</summary>
    public ToolResult RunWith(string? input, params string[] args)
    {
        using Process process = Start(args);
        return Finish(process, input);
    }

    /// <summary>Runs the tool with variables of its environment set.</summary>
    public ToolResult RunIn((string Name, string Value)[] environment, params string[] args)
    {
        using Process process = Start(args, environment);
        return Finish(process, null);
    }

    /// <summary>Runs a shell command in which <c>craton</c> is the tool, in name spaces of its own: mounts vanish with it.</summary>
    public ToolResult RunInOwnMounts(string script)
    {
        using Process process = StartProgram("unshare", ["-m", "sh", "-c", $"craton() {{ {string.Join(' ', Command.Select(word => $"'{word}'"))} \"$@\"; }}; {script}"]);
        return Finish(process, null);
    }

    /// <summary>Whether <see cref="RunInOwnMounts"/> can mount here, which needs root; else why not.</summary>
    public string? WhyNoMounts()
    {
        if (!OperatingSystem.IsLinux()) return "mount name spaces exist on Linux only";
        Directory.CreateDirectory(At("mount-probe"));
        return RunInOwnMounts("mount -t tmpfs none mount-probe").ExitCode == 0 ? null : "mounting a tmpfs needs root";
    }

    public Process Start(IEnumerable<string> args, params (string Name, string Value)[] environment) =>
        StartProgram(Command[0], Command.Skip(1).Concat(args), environment);

    public Process StartProgram(string program, IEnumerable<string> args, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, args)
        {
            WorkingDirectory = Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["CRATON_CACHE"] = At("cache");
        start.Environment["CRATON_DATA"] = "";
        start.Environment["CRATON_THREADS"] = "1";
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    public static ToolResult Finish(Process process, string? input, TimeSpan? patience = null)
    {
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        if (input is not null) process.StandardInput.Write(input);
        process.StandardInput.Close();
        if (!process.WaitForExit(patience ?? Patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"the tool did not end within {patience ?? Patience}");
        }
        return new ToolResult(process.ExitCode, output.Result, error.Result);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}

/// <summary>Texts and recipes that train in a second.</summary>
internal static class Tiny
{
    private static readonly string[] Words = ["the", "a", "cat", "dog", "sat", "on", "mat", "ran", "to", "red", "blue", "house", "tree", "and"];

    /// <summary>Lines of eight words, and every character that a conversation needs.</summary>
    public static string Text(int lines = 400)
    {
        var random = new Random(1);
        IEnumerable<string> made = Enumerable.Range(0, lines).Select(_ => string.Join(' ', Enumerable.Range(0, 8).Select(_ => Words[random.Next(Words.Length)])) + ".");
        return string.Join('\n', made.Prepend("abcdefghijklmnopqrstuvwxyz 0123456789")) + "\n";
    }

    public static string Recipe(string text, int steps = 6) => $"""
        recipe: pretrain
        name: tiny
        seed: 1
        data:
          source: {text}
          cleaning: none
          loader: windows
          valid_fraction: 0.1
        tokenizer:
          kind: char
        model:
          depth: 1
          width: 32
          heads: 2
          context: 64
        schedule:
          warmup: 2
        train:
          steps: {steps}
          batch: 2
          log_every: 1
          eval_every: 0
          eval_batches: 1
          sample_every: 0
          save_every: 2
        """;

    public static string Chat(string model, string rows) => $"""
        recipe: sft
        name: chat
        base: {model}
        data:
          source: {rows}
          valid_fraction: 0.1
        train:
          steps: 2
          batch: 2
          eval_every: 0
          sample_every: 0
          save_every: 0
        """;

    /// <summary>Rows of question and answer.</summary>
    public static string Rows(int count = 40) =>
        string.Concat(Enumerable.Range(0, count).Select(i => $$"""{"prompt":"cat {{i}}","completion":"the dog"}""" + "\n"));
}
