using Craton.Tensors;

namespace Craton.Data;

/// <summary>
/// The API documentation that every machine with a .NET SDK holds beside <c>dotnet</c> (some 84,000 members, 25 MB of English):
/// the corpus that needs no download.
/// </summary>
public static class DotNetDocs
{
    /// <summary>All documented members, each once, ordered by pack, assembly and place in the file.</summary>
    /// <param name="path">A .NET root, its <c>packs</c> folder or a folder of XML documentation files; null: the machine's own.</param>
    /// <exception cref="CratonException">No documentation was found, or a file of it cannot be read; the message says what to do.</exception>
    public static IReadOnlyList<ApiMember> ReadMembers(string? path = null)
    {
        string[] files = DotNetRoot.DocumentationFolders(path)
            .SelectMany(folder => DotNetRoot.Sorted(Directory.GetFiles(folder, "*.xml")))
            .ToArray();
        List<RawMember>[] read = new List<RawMember>[files.Length];
        ParallelWork.For(files.Length, i => read[i] = XmlDocFile.Read(files[i]));

        // The same type is often documented in two assemblies (facades): the first in file order stands.
        var raw = new List<RawMember>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var types = new Dictionary<string, IReadOnlyList<ApiPart>>(StringComparer.Ordinal);
        foreach (RawMember member in read.SelectMany(m => m))
        {
            if (member.Id[1] != ':' || !"TMPFE".Contains(member.Id[0])) continue;
            if (member.Id[0] == 'T') types.TryAdd(member.Id[2..], member.TypeParameters);
            if (!member.IsEmpty && seen.Add(member.Id)) raw.Add(member);
        }

        var namer = new MemberName(types);
        var members = new ApiMember[raw.Count];
        ParallelWork.For(members.Length, i => members[i] = namer.Resolve(raw[i]));
        return members;
    }

    /// <summary>One plain-text page per member; see <see cref="ReadMembers"/>.</summary>
    public static IEnumerable<Document> Read(string? path = null) => ReadMembers(path).Select(m => m.ToDocument());
}
