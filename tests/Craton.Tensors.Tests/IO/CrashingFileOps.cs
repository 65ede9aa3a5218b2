using Craton.Tensors.IO;

namespace Craton.Tensors.Tests.IO;

/// <summary>What a power cut does to operations that no flush has confirmed yet.</summary>
public enum PowerCut
{
    /// <summary>All of them have happened.</summary>
    KeepsAll,
    /// <summary>None of them has happened.</summary>
    LosesAll,
    /// <summary>Names have, content has not: files are there, empty or full of zeros (delayed allocation).</summary>
    KeepsNamesOnly,
    /// <summary>Names up to some moment have; of each write any 512-byte sectors (a journalling file system, a torn write).</summary>
    KeepsSomeInOrder,
    /// <summary>Any names and any sectors have.</summary>
    KeepsAny,
}

/// <summary>
/// The real file system below a folder that starts empty, recording every operation as one on inodes, so that the state after
/// a power cut behind any operation can be laid out in another folder.
/// </summary>
internal sealed class CrashingFileOps(string root) : IFileOps
{
    private const int Sector = 512;
    private readonly List<Op> log = [];
    private readonly Dictionary<string, int> nodes = new(StringComparer.Ordinal) { [root] = 0 };
    private readonly HashSet<int> folders = [0];
    private int created;

    /// <summary>Operations so far.</summary>
    public int Count => log.Count;

    public Stream Create(string path)
    {
        Stream inner = FileOps.Real.Create(path);
        int node = Add(path);
        return new RecordedStream(inner, node, (offset, bytes) => log.Add(new Write(node, offset, bytes)));
    }

    public void Sync(Stream file)
    {
        file.Flush();
        log.Add(new Flushed(((RecordedStream)file).Node));
    }

    public void RenameFile(string from, string to)
    {
        FileOps.Real.RenameFile(from, to);
        Move(from, to);
    }

    public void RenameDirectory(string from, string to)
    {
        FileOps.Real.RenameDirectory(from, to);
        Move(from, to);
        foreach (string path in Below(from))
        {
            nodes[to + path[from.Length..]] = nodes[path];
            nodes.Remove(path);
        }
    }

    public void DeleteFile(string path)
    {
        FileOps.Real.DeleteFile(path);
        if (nodes.ContainsKey(path)) Remove(path);
    }

    public void CreateDirectory(string path)
    {
        if (nodes.ContainsKey(path)) return;
        CreateDirectory(Path.GetDirectoryName(path)!);
        FileOps.Real.CreateDirectory(path);
        folders.Add(Add(path));
    }

    public void DeleteDirectory(string path)
    {
        FileOps.Real.DeleteDirectory(path);
        if (!nodes.ContainsKey(path)) return;
        foreach (string inside in Below(path)) Remove(inside);
        Remove(path);
    }

    public void SyncDirectory(string path) => log.Add(new Flushed(nodes[path]));

    /// <summary>Lays out in an empty folder what is left when the power fails after a number of operations.</summary>
    public void Replay(int operations, PowerCut cut, int seed, string target)
    {
        var random = new Random(seed);
        var names = folders.ToDictionary(folder => folder, _ => new SortedDictionary<string, int>(StringComparer.Ordinal));
        var contents = new Dictionary<int, MemoryStream>();
        int lastKept = random.Next(operations + 1);
        for (int i = 0; i < operations; i++)
        {
            bool durable = log.Take(operations).Skip(i + 1).Any(later => later is Flushed sync && log[i].IsConfirmedBy(sync.Node));
            switch (log[i])
            {
                case Write write:
                    Apply(write, durable || cut == PowerCut.KeepsAll ? 1 : cut is PowerCut.KeepsSomeInOrder or PowerCut.KeepsAny ? 0.5 : 0);
                    break;
                case Name name when durable || cut switch
                {
                    PowerCut.KeepsAll or PowerCut.KeepsNamesOnly => true,
                    PowerCut.KeepsSomeInOrder => i < lastKept,
                    PowerCut.KeepsAny => random.Next(2) == 0,
                    _ => false,
                }:
                    if (name.Removed is not null) names[name.Folder].Remove(name.Removed);
                    if (name.Added is not null) names[name.Folder][name.Added] = name.Node;
                    break;
            }
        }
        LayOut(0, target);

        void Apply(Write write, double keep)
        {
            if (!contents.TryGetValue(write.Node, out MemoryStream? content)) contents[write.Node] = content = new MemoryStream();
            for (int at = 0; at < write.Bytes.Length; at += Sector)
            {
                if (keep < 1 && random.NextDouble() >= keep) continue;
                content.Position = write.Offset + at;
                content.Write(write.Bytes.AsSpan(at, Math.Min(Sector, write.Bytes.Length - at)));
            }
            bool grows = cut == PowerCut.KeepsNamesOnly && random.Next(2) == 0;
            if (grows && content.Length < write.Offset + write.Bytes.Length) content.SetLength(write.Offset + write.Bytes.Length);
        }

        void LayOut(int folder, string path)
        {
            Directory.CreateDirectory(path);
            foreach ((string name, int node) in names[folder])
            {
                string inside = Path.Combine(path, name);
                if (folders.Contains(node)) LayOut(node, inside);
                else File.WriteAllBytes(inside, contents.TryGetValue(node, out MemoryStream? content) ? content.ToArray() : []);
            }
        }
    }

    private int Add(string path)
    {
        int node = nodes[path] = ++created;
        log.Add(new Name(Parent(path), null, Path.GetFileName(path), node));
        return node;
    }

    private void Move(string from, string to)
    {
        log.Add(new Name(Parent(from), Path.GetFileName(from), Path.GetFileName(to), nodes[from]));
        nodes[to] = nodes[from];
        nodes.Remove(from);
    }

    private void Remove(string path)
    {
        log.Add(new Name(Parent(path), Path.GetFileName(path), null, nodes[path]));
        nodes.Remove(path);
    }

    private int Parent(string path) => nodes[Path.GetDirectoryName(path)!];

    private List<string> Below(string path) =>
        [.. nodes.Keys.Where(p => p.StartsWith(path + "/", StringComparison.Ordinal)).OrderByDescending(p => p.Length).ThenBy(p => p, StringComparer.Ordinal)];

    private abstract record Op
    {
        /// <summary>Whether a flush of this file or folder makes the operation last.</summary>
        public virtual bool IsConfirmedBy(int node) => false;
    }

    /// <summary>In a folder a name goes, another one comes, or both (a rename; we only rename within a folder).</summary>
    private sealed record Name(int Folder, string? Removed, string? Added, int Node) : Op
    {
        public override bool IsConfirmedBy(int node) => node == Folder;
    }

    private sealed record Write(int Node, long Offset, byte[] Bytes) : Op
    {
        public override bool IsConfirmedBy(int node) => node == Node;
    }

    private sealed record Flushed(int Node) : Op;

    private sealed class RecordedStream(Stream inner, int node, Action<long, byte[]> record) : Stream
    {
        public int Node => node;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => inner.Length;

        public override long Position { get => inner.Position; set => throw new NotSupportedException(); }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            record(inner.Position, buffer.ToArray());
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
