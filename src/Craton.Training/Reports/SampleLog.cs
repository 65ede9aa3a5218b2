using System.Text;

namespace Craton.Training.Reports;

/// <summary>
/// The texts that a model wrote while it trained, <c>samples.txt</c>. Its length belongs to a checkpoint: a resumed run cuts off what
/// came after, and writes it again.
/// </summary>
internal sealed class SampleLog
{
    /// <summary>The file's name in the run folder.</summary>
    public const string FileName = "samples.txt";

    private readonly string _path;

    /// <summary>Opens the log as it was at a checkpoint.</summary>
    /// <param name="runFolder">The folder of the run.</param>
    /// <param name="length">Its length then; null when that is not known.</param>
    public SampleLog(string runFolder, long? length)
    {
        _path = Path.Combine(runFolder, FileName);
        if (length is null || !File.Exists(_path)) return;
        using FileStream file = File.OpenWrite(_path);
        if (file.Length > length) file.SetLength(length.Value);
    }

    /// <summary>Bytes written.</summary>
    public long Length => File.Exists(_path) ? new FileInfo(_path).Length : 0;

    /// <summary>Adds a text and returns when it is on the disk.</summary>
    public void Add(long step, string text)
    {
        using var file = new FileStream(_path, FileMode.Append);
        file.Write(Encoding.UTF8.GetBytes($"--- step {step}\n{text}\n"));
        file.Flush(flushToDisk: true);
    }
}
