using System.Diagnostics;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors.Tests;

/// <summary>This assembly as a program of its own (see <see cref="Program"/>), with other settings of the runtime.</summary>
internal static class Child
{
    /// <summary>Runs it to its end, which must be a good one, and returns the lines it printed.</summary>
    public static string[] Run(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        string host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var start = new ProcessStartInfo(host, ["exec", typeof(Child).Assembly.Location, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove(SimdWidth.Variable);
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        using Process child = Process.Start(start)!;
        Task<string> errors = child.StandardError.ReadToEndAsync();
        string[] lines = child.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        child.WaitForExit();
        Assert.True(child.ExitCode == 0, $"the child process failed with {child.ExitCode}: {errors.Result}");
        return lines;
    }
}
