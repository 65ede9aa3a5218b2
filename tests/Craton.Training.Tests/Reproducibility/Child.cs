using System.Diagnostics;

namespace Craton.Training.Tests.Reproducibility;

/// <summary>This assembly as a program of its own: with other settings of the runtime, or to be killed.</summary>
internal static class Child
{
    private const int LongestMilliseconds = 300_000;

    /// <summary>Starts it; its output is to be read by the caller.</summary>
    public static Process Start(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        string host = Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal) ? Environment.ProcessPath : "dotnet";
        var start = new ProcessStartInfo(host, [typeof(Child).Assembly.Location, .. arguments]) { RedirectStandardOutput = true };
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>Runs it to its end, which must be a good one, and returns the last line it printed.</summary>
    public static string Run(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        using Process process = Start(arguments, environment);
        string printed = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(LongestMilliseconds), "the child hangs");
        Assert.Equal(0, process.ExitCode);
        return printed.TrimEnd().Split('\n')[^1];
    }
}
