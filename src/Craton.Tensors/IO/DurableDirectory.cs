namespace Craton.Tensors.IO;

/// <summary>
/// A folder that appears with all its files or not at all: files are written and flushed in a hidden folder beside it, which
/// takes its name in one step. For checkpoints, exported models, prepared data.
/// </summary>
/// <remarks>
/// One writer per path. Beside <c>name</c> there may be <c>.name.tmp</c> (being written), <c>.name.old</c> (the previous one,
/// while it is being replaced: it counts when <c>name</c> is missing) and <c>.name.trash</c> (being removed).
/// </remarks>
public sealed class DurableDirectory : IDisposable
{
    private readonly IFileOps files;
    private readonly string temporary;
    private readonly List<string> newParents = [];
    private bool committed;

    /// <summary>Begins a folder; debris of an earlier attempt is removed.</summary>
    /// <param name="path">Where it is to appear. An existing folder stays until <see cref="Commit"/> and is replaced by it.</param>
    /// <param name="files">The file system; the real one by default.</param>
    public DurableDirectory(string path, IFileOps? files = null)
    {
        this.files = files ?? FileOps.Real;
        Path = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        temporary = Hidden(Path, "tmp");
        DurableFile.Guard(Path, () =>
        {
            string? parent = System.IO.Path.GetDirectoryName(Path);
            for (; parent is not null && !Directory.Exists(parent); parent = System.IO.Path.GetDirectoryName(parent)) newParents.Add(parent);
            RemoveDebris(Path, this.files);
            this.files.CreateDirectory(temporary);
        });
    }

    /// <summary>Where the folder is to appear.</summary>
    public string Path { get; }

    /// <summary>
    /// Where the files are until <see cref="Commit"/>, for a writer that fills several at a time or a folder within: it flushes
    /// each file (and the names in its own folders) to the disk itself.
    /// </summary>
    public string Staging => temporary;

    /// <summary>Writes one file and returns when it is on the disk.</summary>
    /// <param name="name">Its name: no folders.</param>
    /// <param name="write">Writes the content to the stream, which it leaves open.</param>
    /// <param name="expectedBytes">Its size when known: checked against the free space first.</param>
    public void Write(string name, Action<Stream> write, long? expectedBytes = null) => DurableFile.WriteSynced(
        System.IO.Path.Combine(temporary, name), write, System.IO.Path.Combine(Path, name), expectedBytes, files);

    /// <summary>Makes the folder visible. When it returns, the folder is on the disk.</summary>
    public void Commit() => DurableFile.Guard(Path, () =>
    {
        string parent = System.IO.Path.GetDirectoryName(Path)!;
        string old = Hidden(Path, "old");
        files.SyncDirectory(temporary); // the names of the files, before the folder gets its own
        KillPoint.Hit("directory-synced");
        if (Directory.Exists(Path)) files.RenameDirectory(Path, old);
        KillPoint.Hit("directory-set-aside");
        files.RenameDirectory(temporary, Path);
        KillPoint.Hit("directory-renamed");
        files.SyncDirectory(parent);
        foreach (string created in newParents) files.SyncDirectory(System.IO.Path.GetDirectoryName(created)!);
        committed = true;
        KillPoint.Hit("directory-done");
        Discard(old, Path, files);
    });

    /// <summary>Removes what was written unless it was committed.</summary>
    public void Dispose()
    {
        if (!committed) DurableFile.RemoveAfterFailure(() => Recover(Path, files));
    }

    /// <summary>Where the content of a path is after a crash at any instant: the path, or the previous one that was set aside.</summary>
    /// <returns>Null when there is neither.</returns>
    public static string? Find(string path) =>
        Directory.Exists(path) ? path : Directory.Exists(Hidden(path, "old")) ? Hidden(path, "old") : null;

    /// <summary>Removes a folder such that no half of it is ever seen under its name.</summary>
    public static void Delete(string path, IFileOps? files = null)
    {
        files ??= FileOps.Real;
        DurableFile.Guard(path, () =>
        {
            files.DeleteDirectory(Hidden(path, "trash"));
            Discard(path, path, files);
        });
    }

    /// <summary>Ends what a crash interrupted: a set-aside folder comes back or goes, debris goes. For the only writer of the path.</summary>
    public static void Recover(string path, IFileOps? files = null)
    {
        files ??= FileOps.Real;
        path = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        DurableFile.Guard(path, () => RemoveDebris(path, files));
    }

    private static void RemoveDebris(string path, IFileOps files)
    {
        string old = Hidden(path, "old");
        files.DeleteDirectory(Hidden(path, "tmp"));
        files.DeleteDirectory(Hidden(path, "trash"));
        if (!Directory.Exists(old)) return;
        if (Directory.Exists(path))
        {
            Discard(old, path, files);
            return;
        }
        files.RenameDirectory(old, path);
        files.SyncDirectory(System.IO.Path.GetDirectoryName(path)!);
    }

    private static void Discard(string folder, string path, IFileOps files)
    {
        if (!Directory.Exists(folder)) return;
        string trash = Hidden(path, "trash");
        files.RenameDirectory(folder, trash);
        KillPoint.Hit("directory-trashed");
        files.DeleteDirectory(trash);
        KillPoint.Hit("directory-deleted");
    }

    private static string Hidden(string path, string suffix) =>
        System.IO.Path.Combine(System.IO.Path.GetDirectoryName(path)!, $".{System.IO.Path.GetFileName(path)}.{suffix}");
}
