namespace Craton.Training.Checkpoints;

/// <summary>A file to be saved in a checkpoint.</summary>
/// <param name="Name">Its name, without folders: <c>model.safetensors</c>, <c>state.json</c>.</param>
/// <param name="Write">Writes its content to a stream and leaves it open.</param>
public sealed record CheckpointFile(string Name, Action<Stream> Write);

/// <summary>A complete checkpoint whose files have all been compared with their SHA-256.</summary>
/// <param name="Step">The optimizer step after which it was saved.</param>
/// <param name="Folder">Where its files are.</param>
/// <param name="Score">What it was judged by, lower is better; null when it was not.</param>
/// <param name="Files">The names of its files, in the order saved.</param>
public sealed record Checkpoint(long Step, string Folder, double? Score, IReadOnlyList<string> Files)
{
    /// <summary>The path of one of its files.</summary>
    /// <exception cref="CratonException">The checkpoint has no such file.</exception>
    public string PathOf(string name) => Files.Contains(name)
        ? Path.Combine(Folder, name)
        : throw new CratonException(
            $"checkpoint '{Folder}': expected a file '{name}', got {string.Join(", ", Files)}; was it saved by another kind of training?");
}
