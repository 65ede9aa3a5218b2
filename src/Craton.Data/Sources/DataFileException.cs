using Craton.Tensors;

namespace Craton.Data;

/// <summary>A data file that cannot be used: damaged, hostile, of another kind than its name says, or (under <see cref="BadRecords.Fail"/>) with a bad record.</summary>
public sealed class DataFileException : CratonException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="file">Path of the file.</param>
    /// <param name="place">Where in it: <c>line 12</c> or <c>byte 340</c>; empty: the file as a whole.</param>
    /// <param name="problem">What is wrong and what to do, without the file's name.</param>
    /// <param name="inner">What caused it, if anything.</param>
    public DataFileException(string file, string place, string problem, Exception? inner = null)
        : base(place.Length > 0 ? $"'{file}' {place}: {problem}" : $"'{file}': {problem}", inner!) => (File, Place) = (file, place);

    /// <summary>Path of the file.</summary>
    public string File { get; }

    /// <summary>Where in the file.</summary>
    public string Place { get; }
}
