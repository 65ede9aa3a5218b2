namespace Craton.Tensors.IO;

/// <summary>
/// The operations on a file system by which something becomes durable, and no others. There are two: the real one
/// (<see cref="FileOps.Real"/>) and the one of the tests, which fails at will and computes what a power cut would leave.
/// </summary>
public interface IFileOps
{
    /// <summary>Creates a file, which must not exist, for writing from its start.</summary>
    Stream Create(string path);

    /// <summary>Returns when all that was written to a stream of <see cref="Create"/> is on the disk.</summary>
    void Sync(Stream file);

    /// <summary>Gives a file a new name in the same folder, replacing what has that name.</summary>
    void RenameFile(string from, string to);

    /// <summary>Gives a folder a new name, which must be free, in the same parent.</summary>
    void RenameDirectory(string from, string to);

    /// <summary>Removes a file; no error when there is none.</summary>
    void DeleteFile(string path);

    /// <summary>Creates a folder and the parents it lacks.</summary>
    void CreateDirectory(string path);

    /// <summary>Removes a folder and what is in it; no error when there is none.</summary>
    void DeleteDirectory(string path);

    /// <summary>Returns when the names in a folder (files created, renamed, removed) are on the disk.</summary>
    void SyncDirectory(string path);
}
