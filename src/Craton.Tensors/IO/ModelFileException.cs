namespace Craton.Tensors.IO;

/// <summary>A model file that is damaged, hostile or of a kind that is not read. Nothing of it has been used.</summary>
public sealed class ModelFileException : CratonException
{
    /// <summary>Creates the exception for a place in a file.</summary>
    /// <param name="file">Path of the file.</param>
    /// <param name="offset">Byte of the file at which the fault was found.</param>
    /// <param name="problem">What was expected and what was found, without the file's name.</param>
    /// <param name="inner">What caused it, if anything.</param>
    public ModelFileException(string file, long offset, string problem, Exception? inner = null)
        : base($"'{file}' at byte {offset}: {problem}", inner!)
    {
        File = file;
        Offset = offset;
    }

    /// <summary>Path of the file.</summary>
    public string File { get; }

    /// <summary>Byte of the file at which the fault was found.</summary>
    public long Offset { get; }
}
