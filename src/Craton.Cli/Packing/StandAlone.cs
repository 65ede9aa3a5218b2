using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Craton.Tensors;

namespace Craton.Cli.Packing;

/// <summary>This tool as one file that needs neither SDK nor runtime on the machine.</summary>
internal static class StandAlone
{
    /// <summary>This very program where it is one already; otherwise the one that the SDK makes of the checkout.</summary>
    /// <param name="tell">Told what is going on.</param>
    /// <exception cref="CratonException">There is neither.</exception>
    public static string Program(Action<string> tell)
    {
        if (CarriesRuntime()) return Environment.ProcessPath!;
        string project = Project() ?? throw new CratonException(
            "this craton needs .NET installed beside it, so it cannot be packed; give one that stands alone with --program (dotnet publish src/Craton.Cli -r RID --self-contained -p:PublishSingleFile=true -p:PublishTrimmed=true)");
        string folder = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(project)!, "..", "..", "artifacts", "pack"));
        tell("making a craton that stands alone; this takes a minute …");
        return Publish(project, folder);
    }

    // The parts of a file that carries its runtime lie in no files of their own.
    [UnconditionalSuppressMessage("SingleFile", "IL3000", Justification = "That the place is empty is the answer.")]
    private static bool CarriesRuntime() => typeof(object).Assembly.Location.Length == 0;

    private static string? Project()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string project = Path.Combine(folder.FullName, "src", "Craton.Cli", "Craton.Cli.csproj");
            if (File.Exists(project)) return project;
        }
        return null;
    }

    // With folders and compiler processes of its own: nothing of the checkout's build changes, and no server keeps the pipes open.
    private static string Publish(string project, string folder)
    {
        string program = Path.Combine(folder, "program", OperatingSystem.IsWindows() ? "craton.exe" : "craton");
        string[] arguments =
        [
            "publish", project, "-c", "Release", "-r", RuntimeInformation.RuntimeIdentifier, "--self-contained", "-p:PublishSingleFile=true", "-p:PublishTrimmed=true", "-p:RunAnalyzers=false",
            "--artifacts-path", folder, "-o", Path.GetDirectoryName(program)!, "--disable-build-servers", "-v", "q", "--nologo",
        ];
        using Process process = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })
            ?? throw new CratonException("the .NET SDK did not start; put 'dotnet' on the PATH");
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? program
            : throw new CratonException($"the .NET SDK could not publish {project}: {(output + errors.Result).Split('\n', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault(line => line.Contains("error", StringComparison.Ordinal)) ?? "see 'dotnet publish'"}");
    }
}
