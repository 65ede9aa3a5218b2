using Craton.Data;
using Craton.Tensors;

namespace Craton.Training.Recipes;

/// <summary>
/// Reads sources as recipes and the command line name them: <c>dotnet-docs</c>, or <c>dotnet-docs:FOLDER</c> for another .NET
/// installation; <c>set:NAME/FILE</c> of the data catalogue; files, folders and globs. Records that cannot be read are counted and said.
/// </summary>
/// <param name="say">Hears of what was left out.</param>
public sealed class SourceReader(Action<string> say)
{
    private const string Docs = "dotnet-docs", Set = "set:";

    /// <summary>What was read so far, and what could not be read.</summary>
    public ReadReport Report { get; } = new();

    /// <summary>The documents of a source.</summary>
    /// <exception cref="CratonException">The source does not exist or holds no document.</exception>
    public IEnumerable<Document> Documents(string source, TextFileOptions? options = null) =>
        Members(source)?.Select(m => m.ToDocument()) ?? Files(source, options, files => files.Read());

    /// <summary>The conversations of a source: questions about .NET members, or rows of messages or of prompt and completion.</summary>
    /// <exception cref="CratonException">The source does not exist or holds no conversation.</exception>
    public IEnumerable<Conversation> Conversations(string source) =>
        Members(source) is { } members ? ApiQuestions.From(members) : Files(source, null, files => files.ReadConversations());

    private static IReadOnlyList<ApiMember>? Members(string source) =>
        source == Docs ? DotNetDocs.ReadMembers()
        : source.StartsWith(Docs + ":", StringComparison.Ordinal) ? DotNetDocs.ReadMembers(source[(Docs.Length + 1)..])
        : null;

    private IEnumerable<T> Files<T>(string source, TextFileOptions? options, Func<TextFiles, IEnumerable<T>> read)
    {
        var files = new TextFiles([Resolve(source)], options);
        try
        {
            foreach (T item in read(files)) yield return item;
        }
        finally // also when the caller wants no more
        {
            Report.Add(files.Report);
            if (files.Report is { Records: > 0, Problem: { } problem }) say($"{source}: {problem}");
        }
    }

    /// <summary>The path of a source that is a file, of the data catalogue, or of a set that only the folder <c>CRATON_DATA</c> holds.</summary>
    internal static string Resolve(string source)
    {
        if (!source.StartsWith(Set, StringComparison.Ordinal)) return source;
        string[] parts = source[Set.Length..].Split('/', 2);
        if (DatasetCatalogue.Sets.All(set => set.Name != parts[0]) && parts.Length == 2 && Environment.GetEnvironmentVariable("CRATON_DATA") is { Length: > 0 } folder)
            return Path.Combine(folder, parts[0], Path.GetFileName(parts[1]));
        IReadOnlyList<string> files = DatasetCatalogue.PullAsync(parts[0]).GetAwaiter().GetResult();
        if (parts.Length == 1 && files.Count == 1) return files[0];
        IReadOnlyList<string> names = [.. DatasetCatalogue.Sets.First(set => set.Name == parts[0]).Files.Select(file => file.Name)];
        for (int i = 0; i < names.Count; i++)
            if (parts.Length == 2 && names[i] == parts[1]) return files[i];
        throw new CratonException($"'{source}': expected {Set}{parts[0]}/FILE with one of {string.Join(", ", names)}");
    }
}
