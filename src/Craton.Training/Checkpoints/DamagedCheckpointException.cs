namespace Craton.Training.Checkpoints;

/// <summary>A checkpoint is not what was saved. Nothing of it has been used.</summary>
public sealed class DamagedCheckpointException : CratonException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="file">The file that is wrong.</param>
    /// <param name="problem">What is wrong with it.</param>
    /// <param name="inner">What caused it, if anything.</param>
    public DamagedCheckpointException(string file, string problem, Exception? inner = null)
        : base($"checkpoint file '{file}' is damaged: {problem}; delete its folder or restore it from a copy", inner!) => File = file;

    /// <summary>The file that is wrong.</summary>
    public string File { get; }
}
