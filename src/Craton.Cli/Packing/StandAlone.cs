using System.Diagnostics;
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
        string self = Environment.ProcessPath!;
        bool isLoose = File.Exists(Path.Combine(AppContext.BaseDirectory, "craton.dll"));
        if (!isLoose) return self;
        string project = Project() ?? throw new CratonException(
            "this craton needs .NET installed beside it, so it cannot be packed; give one that stands alone with --program (dotnet publish src/Craton.Cli -r RID --self-contained -p:PublishSingleFile=true)");
        string folder = Path.Combine(Path.GetDirectoryName(project)!, "..", "..", "artifacts", "pack"), program = Path.GetFullPath(Path.Combine(folder, OperatingSystem.IsWindows() ? "craton.exe" : "craton"));
        tell("making a craton that stands alone …");
        Publish(project, folder);
        return program;
    }

    private static string? Project()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string project = Path.Combine(folder.FullName, "src", "Craton.Cli", "Craton.Cli.csproj");
            if (File.Exists(project)) return project;
        }
        return null;
    }

    private static void Publish(string project, string folder)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])["publish", project, "-c", "Release", "-r", RuntimeInformation.RuntimeIdentifier, "--self-contained", "-p:PublishSingleFile=true", "-o", folder, "-v", "q", "--nologo"])
            start.ArgumentList.Add(argument);
        using Process process = Process.Start(start) ?? throw new CratonException("the .NET SDK did not start; put 'dotnet' on the PATH");
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new CratonException($"the .NET SDK could not publish {project}: {(output + errors.Result).Split('\n', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault(line => line.Contains("error", StringComparison.Ordinal)) ?? "see 'dotnet publish'"}");
    }
}
