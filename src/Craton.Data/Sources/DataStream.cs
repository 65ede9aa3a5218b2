using System.IO.Compression;

namespace Craton.Data;

/// <summary>Opens data files, decompressing <c>.gz</c>, and refuses those that expand beyond the limits.</summary>
internal sealed class DataStream : Stream
{
    // Without this switch of the framework a gzip file that was cut short reads as if it were whole. The build sets it for every
    // program of the repository too, since it only counts before the first use of a compressed stream.
    static DataStream() => AppContext.SetSwitch("System.IO.Compression.UseStrictValidation", true);

    // Below this size a high ratio harms nobody and short repetitive files are common.
    private const long FreeBytes = 16 << 20;

    private readonly string _path;
    private readonly FileStream _file;
    private readonly Stream _data;
    private readonly TextFileOptions _options;
    private long _read;

    private DataStream(string path, TextFileOptions options)
    {
        (_path, _options) = (path, options);
        _file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        if (!_file.CanSeek)
        {
            _file.Dispose();
            throw new DataFileException(path, "", "is no regular file (a pipe or device); copy its content to a file first.");
        }

        _data = IsCompressed(path) ? new GZipStream(_file, CompressionMode.Decompress) : _file;
    }

    /// <summary>Whether the name says gzip.</summary>
    public static bool IsCompressed(string path) => path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);

    /// <summary>Opens a file.</summary>
    /// <exception cref="DataFileException">It cannot be opened.</exception>
    public static DataStream Open(string path, TextFileOptions options)
    {
        try { return new DataStream(path, options); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataFileException(path, "", $"cannot be opened ({e.Message}); check that it exists and is readable.", e);
        }
    }

    /// <summary>The whole content, at most <see cref="TextFileOptions.MaxDocumentBytes"/>.</summary>
    public static byte[] ReadAll(string path, TextFileOptions options)
    {
        using DataStream stream = Open(path, options);
        using var content = new MemoryStream();
        byte[] buffer = new byte[1 << 16];
        for (int n; (n = stream.Read(buffer)) > 0;)
        {
            content.Write(buffer, 0, n);
            if (content.Length > options.MaxDocumentBytes)
                throw new DataFileException(path, "", $"is larger than {options.MaxDocumentBytes:N0} bytes, the most that one document may have; split it, or raise MaxDocumentBytes.");
        }

        return content.ToArray();
    }

    public override int Read(Span<byte> buffer)
    {
        try
        {
            int n = _data.Read(buffer);
            _read += n;
            if (!ReferenceEquals(_data, _file)) CheckExpansion();
            return n;
        }
        catch (InvalidDataException e)
        {
            throw new DataFileException(_path, $"byte {_file.Position}", "is damaged gzip data; get the file again.", e);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    private void CheckExpansion()
    {
        // The file's length, not its position: the decompressor reads ahead, and a bomb is a small file.
        if (_read <= FreeBytes || (_read <= _options.MaxExpandedBytes && _read <= _file.Length * _options.MaxExpansion)) return;
        throw new DataFileException(_path, "", $"expands to more than {Math.Min(_options.MaxExpandedBytes, _file.Length * _options.MaxExpansion):N0} bytes from {_file.Length:N0}, which looks like a decompression bomb; raise MaxExpansion or MaxExpandedBytes if it is meant to.");
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _data.Dispose();
            _file.Dispose();
        }

        base.Dispose(disposing);
    }

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => _read; set => throw new NotSupportedException(); }
    public override void Flush() { }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
