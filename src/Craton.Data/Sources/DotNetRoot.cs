using System.Runtime.InteropServices;
using Craton.Tensors;

namespace Craton.Data;

/// <summary>Finds the .NET installation whose reference packs carry the API documentation.</summary>
internal static class DotNetRoot
{
    /// <summary>The folders of documentation files: for each pack its newest version, and in it the newest framework.</summary>
    /// <param name="path">A .NET root, its <c>packs</c> folder, or any folder of XML documentation files; null: look for the installation.</param>
    /// <exception cref="CratonException">No documentation is there.</exception>
    public static List<string> DocumentationFolders(string? path)
    {
        if (path is not null) return FoldersOf(path) is { Count: > 0 } given
            ? given
            : throw new CratonException($"'{path}' holds no .NET API documentation (packs/*.Ref/<version>/ref/<framework>/*.xml expected); give the root of a .NET SDK, the folder in which its 'packs' lies.");

        foreach (string candidate in Candidates())
        {
            if (Directory.Exists(candidate) && FoldersOf(candidate) is { Count: > 0 } found) return found;
        }

        throw new CratonException("No .NET API documentation was found beside the running .NET, in DOTNET_ROOT, on PATH or in the usual places; install a .NET SDK (not only the runtime; https://dot.net/download) or give its root folder.");
    }

    private static IEnumerable<string> Candidates()
    {
        foreach (string variable in new[] { "DOTNET_ROOT", "DOTNET_ROOT_X64", "DOTNET_ROOT_ARM64" })
        {
            if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } root) yield return root;
        }

        // The runtime lies in ROOT/shared/Microsoft.NETCore.App/VERSION.
        yield return Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        foreach (string folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            var host = new FileInfo(Path.Combine(folder, OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
            if (host.Exists && (host.ResolveLinkTarget(returnFinalTarget: true) ?? host) is FileInfo { DirectoryName: { } root }) yield return root;
        }

        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        yield return Path.Combine(home, ".dotnet");
        if (OperatingSystem.IsWindows()) yield return Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles), "dotnet");
        foreach (string usual in new[] { "/usr/share/dotnet", "/usr/lib/dotnet", "/usr/lib64/dotnet", "/usr/local/share/dotnet", "/opt/dotnet", "/opt/homebrew/opt/dotnet/libexec" })
            yield return usual;
    }

    private static List<string> FoldersOf(string path)
    {
        var folders = new List<string>();
        string packs = Path.GetFileName(Path.TrimEndingDirectorySeparator(path)) == "packs" ? path : Path.Combine(path, "packs");
        if (Directory.Exists(packs))
        {
            foreach (string pack in Sorted(Directory.GetDirectories(packs, "*.Ref")))
            {
                if (Newest(pack) is { } version && Newest(Path.Combine(version, "ref")) is { } framework && HasXml(framework)) folders.Add(framework);
            }
        }
        else if (Directory.Exists(path) && HasXml(path))
        {
            folders.Add(path);
        }

        return folders;
    }

    private static bool HasXml(string folder) => Directory.EnumerateFiles(folder, "*.xml").Any();

    internal static string[] Sorted(string[] paths)
    {
        Array.Sort(paths, StringComparer.Ordinal);
        return paths;
    }

    /// <summary>The subfolder with the highest version in its name (10.0.12 over 9.0.1; 10.0.0 over 10.0.0-rc.1; net10.0 over net9.0).</summary>
    private static string? Newest(string folder) => !Directory.Exists(folder) ? null : Sorted(Directory.GetDirectories(folder))
        .OrderBy(d => VersionOf(Path.GetFileName(d)).Number)
        .ThenBy(d => VersionOf(Path.GetFileName(d)).Release)
        .ThenBy(d => Path.GetFileName(d), StringComparer.Ordinal)
        .LastOrDefault();

    private static (Version Number, bool Release) VersionOf(string name)
    {
        int start = name.AsSpan().IndexOfAnyInRange('0', '9');
        int dash = name.IndexOf('-');
        string number = start < 0 ? "0.0" : name[start..(dash < 0 ? name.Length : Math.Max(dash, start))];
        return (Version.TryParse(number, out Version? version) ? version : new Version(0, 0), dash < 0);
    }
}
