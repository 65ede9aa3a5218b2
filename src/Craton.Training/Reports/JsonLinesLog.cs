using System.Text.Json;

namespace Craton.Training.Reports;

/// <summary>
/// An append-only file of one JSON object per line, each with a <c>step</c>. A line is handed to the operating system in one
/// write, so a killed process leaves at most one torn line, the last.
/// </summary>
internal sealed class JsonLinesLog : IDisposable
{
    private readonly FileStream stream;

    /// <summary>Opens or creates the file; cuts a torn tail and everything later than a step.</summary>
    /// <exception cref="CratonException">A line that is not the last is no valid record: the file is damaged, or no such log.</exception>
    public JsonLinesLog(string path, long lastStep)
    {
        try
        {
            stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CratonException($"'{path}' cannot be opened for writing ({error.Message}); check its rights", error);
        }
        try
        {
            stream.SetLength(EndOf(path, lastStep));
            stream.Seek(0, SeekOrigin.End);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Appends one line, given without its end.</summary>
    public void Append(ReadOnlySpan<byte> json)
    {
        byte[] line = new byte[json.Length + 1];
        json.CopyTo(line);
        line[^1] = (byte)'\n';
        DurableWrite(() => stream.Write(line));
    }

    /// <summary>Returns when all lines are on the disk.</summary>
    public void Sync() => DurableWrite(() => stream.Flush(flushToDisk: true));

    public void Dispose() => stream.Dispose();

    /// <summary>The complete lines of a log in order, with the byte behind each. A torn tail is left out.</summary>
    /// <exception cref="CratonException">A line that is not the last is no valid record.</exception>
    public static IEnumerable<(JsonElement Record, long Step, long End)> Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var buffered = new BufferedStream(file, 1 << 16);
        var line = new MemoryStream();
        int? damaged = null;
        int number = 1;
        for (int next = buffered.ReadByte(); next >= 0; next = buffered.ReadByte())
        {
            if (next != '\n')
            {
                line.WriteByte((byte)next);
                continue;
            }
            if (damaged is { } bad)
                throw new CratonException(
                    $"'{path}' line {bad}: expected a JSON object with a whole number 'step'; the file is damaged, restore or remove it");
            if (Parse(line) is { } record) yield return (record.Json, record.Step, buffered.Position);
            else damaged = number; // torn by a power cut if it is the last
            line.SetLength(0);
            number++;
        }
    }

    private static (JsonElement Json, long Step)? Parse(MemoryStream line)
    {
        try
        {
            JsonElement record = JsonElement.Parse(line.GetBuffer().AsSpan(0, (int)line.Length));
            return record.ValueKind == JsonValueKind.Object && record.TryGetProperty("step", out JsonElement at)
                && at.ValueKind == JsonValueKind.Number && at.TryGetInt64(out long step) ? (record, step) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static long EndOf(string path, long lastStep)
    {
        long end = 0;
        foreach ((_, long step, long behind) in Read(path))
        {
            if (step > lastStep) break;
            end = behind;
        }
        return end;
    }

    private void DurableWrite(Action write)
    {
        try
        {
            write();
        }
        catch (IOException error)
        {
            throw new CratonException($"'{stream.Name}' could not be written ({error.Message}); free some space and resume the run", error);
        }
    }
}
