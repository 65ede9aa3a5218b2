using System.IO.Enumeration;
using Craton.Tensors;

namespace Craton.Data;

/// <summary>Finds files by glob: <c>*</c> and <c>?</c> within a name, <c>**</c> for any number of folders.</summary>
internal static class FileGlob
{
    /// <summary>A file and its name relative to where the search began (with <c>/</c> on every system).</summary>
    public readonly record struct Match(string Path, string Name);

    /// <summary>
    /// The files of a pattern in ordinal order of their names. A folder stands for everything in it whose extension is readable;
    /// hidden names and links to folders (which could form loops) are not followed.
    /// </summary>
    public static List<Match> Find(string pattern, IReadOnlyList<string> exclude, Func<string, bool> readable)
    {
        if (File.Exists(pattern)) return [new Match(pattern, Path.GetFileName(pattern))];
        (string root, string glob) = Directory.Exists(pattern) ? (pattern, "") : SplitRoot(pattern);
        if (!Directory.Exists(root)) throw new CratonException(glob.Length == 0
            ? $"'{pattern}' does not exist; give a file, a folder or a glob."
            : $"'{pattern}' fits no file, since the folder '{root}' does not exist; check the path.");
        var found = new List<Match>();
        var pending = new Stack<string>([root]);
        while (pending.TryPop(out string? folder))
        {
            foreach (FileSystemInfo entry in new DirectoryInfo(folder).EnumerateFileSystemInfos())
            {
                if (entry.Name.StartsWith('.')) continue;
                string name = Path.GetRelativePath(root, entry.FullName).Replace(Path.DirectorySeparatorChar, '/');
                if (exclude.Any(e => IsMatch(e, name))) continue;
                if (entry is DirectoryInfo)
                {
                    if (!entry.Attributes.HasFlag(FileAttributes.ReparsePoint)) pending.Push(entry.FullName);
                }
                else if (glob.Length == 0 ? readable(name) : IsMatch(glob, name))
                {
                    found.Add(new Match(entry.FullName, name));
                }
            }
        }

        found.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return found;
    }

    /// <summary>Whether a relative name fits a glob.</summary>
    public static bool IsMatch(string glob, string name) => Fits(glob.Split('/'), name.Split('/'));

    // Row by row over the glob's parts (as for edit distances): linear in parts x folders, whatever the number of "**".
    private static bool Fits(string[] glob, string[] name)
    {
        bool[] fits = new bool[name.Length + 1];
        fits[0] = true;
        foreach (string part in glob)
        {
            bool[] next = new bool[name.Length + 1];
            for (int i = 0; i <= name.Length; i++)
            {
                if (part == "**") next[i] = fits[i] || (i > 0 && next[i - 1]);
                else next[i] = i > 0 && fits[i - 1] && FileSystemName.MatchesSimpleExpression(part, name[i - 1], ignoreCase: false);
            }

            fits = next;
        }

        return fits[name.Length];
    }

    private static (string Root, string Glob) SplitRoot(string pattern)
    {
        string[] parts = pattern.Replace('\\', '/').Split('/');
        int wild = Array.FindIndex(parts, p => p.AsSpan().ContainsAny('*', '?'));
        if (wild < 0) return (pattern, "");
        string root = string.Join('/', parts.Take(wild));
        return (root.Length > 0 ? root : pattern.StartsWith('/') ? "/" : ".", string.Join('/', parts.Skip(wild)));
    }
}
