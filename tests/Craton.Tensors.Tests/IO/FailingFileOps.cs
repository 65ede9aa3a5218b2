using Craton.Tensors.IO;

namespace Craton.Tensors.Tests.IO;

/// <summary>
/// The real file system with every operation numbered from 1, each write to a stream among them, and an error at a chosen one:
/// once, or at it and all that follow. A failing write stores half of its bytes first.
/// </summary>
internal sealed class FailingFileOps(int failAt, int errno, bool persistent) : IFileOps
{
    public const int NoSpace = 28;
    public const int DeviceError = 5;

    public int Operations { get; private set; }

    public bool Failed { get; private set; }

    public Stream Create(string path) => Count(() => new CountedStream(this, FileOps.Real.Create(path)));

    public void Sync(Stream file) => Count(() => FileOps.Real.Sync(((CountedStream)file).Inner));

    public void RenameFile(string from, string to) => Count(() => FileOps.Real.RenameFile(from, to));

    public void RenameDirectory(string from, string to) => Count(() => FileOps.Real.RenameDirectory(from, to));

    public void DeleteFile(string path) => Count(() => FileOps.Real.DeleteFile(path));

    public void CreateDirectory(string path) => Count(() => FileOps.Real.CreateDirectory(path));

    public void DeleteDirectory(string path) => Count(() => FileOps.Real.DeleteDirectory(path));

    public void SyncDirectory(string path) => Count(() => FileOps.Real.SyncDirectory(path));

    private bool FailsNow()
    {
        Operations++;
        bool fails = persistent ? Operations >= failAt : Operations == failAt;
        Failed |= fails;
        return fails;
    }

    private void Count(Action operation) => Count(() => { operation(); return 0; });

    private T Count<T>(Func<T> operation) => FailsNow() ? throw Error() : operation();

    private IOException Error() => new(errno == NoSpace ? "No space left on device" : "Input/output error", errno);

    private sealed class CountedStream(FailingFileOps owner, Stream inner) : Stream
    {
        public Stream Inner => inner;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => inner.Length;

        public override long Position { get => inner.Position; set => throw new NotSupportedException(); }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (owner.FailsNow())
            {
                inner.Write(buffer[..(buffer.Length / 2)]);
                throw owner.Error();
            }
            inner.Write(buffer);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
