using Craton.Tensors.IO;
using Xunit.Abstractions;

namespace Craton.Tensors.Tests.IO;

public sealed class DurableFileTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Replaces_a_file_and_leaves_nothing_else()
    {
        string path = folder["a.txt"];
        DurableFile.WriteText(path, "one");
        DurableFile.WriteText(path, "two");
        Assert.Equal("two", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(folder.Root));
    }

    [Fact]
    public void A_reader_of_the_previous_file_keeps_it()
    {
        string path = folder["a.txt"];
        DurableFile.WriteText(path, "one");
        using var before = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete));
        DurableFile.WriteText(path, "two");
        Assert.Equal("one", before.ReadToEnd());
    }

    [Fact]
    public void The_temporary_file_of_a_dead_process_is_removed_and_one_in_use_stays()
    {
        string dead = folder[".a.txt.0123.tmp"], alive = folder[".a.txt.4567.tmp"], other = folder[".b.txt.0123.tmp"];
        File.WriteAllText(dead, "torn");
        File.WriteAllText(other, "of another file");
        using (FileOps.Real.Create(alive)) DurableFile.WriteText(folder["a.txt"], "one");
        Assert.False(File.Exists(dead));
        Assert.True(File.Exists(alive));
        Assert.True(File.Exists(other));
    }

    [Fact]
    public void A_failing_writer_leaves_the_previous_file()
    {
        string path = folder["a.txt"];
        DurableFile.WriteText(path, "one");
        Assert.Throws<InvalidOperationException>(() => DurableFile.Write(path, stream =>
        {
            stream.Write("tw"u8);
            throw new InvalidOperationException();
        }));
        Assert.Equal("one", File.ReadAllText(path));
        Assert.Single(Directory.GetFileSystemEntries(folder.Root));
    }

    [Theory]
    [InlineData(FailingFileOps.NoSpace, false)]
    [InlineData(FailingFileOps.NoSpace, true)]
    [InlineData(FailingFileOps.DeviceError, false)]
    [InlineData(FailingFileOps.DeviceError, true)]
    public void An_error_at_any_operation_leaves_the_old_or_the_new_file(int errno, bool persistent)
    {
        string path = folder["a.bin"];
        byte[] old = [1, 2, 3], @new = [.. Enumerable.Repeat((byte)7, 2000)];
        for (int n = 1; ; n++)
        {
            DurableFile.Write(path, s => s.Write(old));
            var files = new FailingFileOps(n, errno, persistent);
            Exception? error = Record.Exception(() => DurableFile.Write(path, s => { s.Write(@new.AsSpan(0, 1000)); s.Write(@new.AsSpan(1000)); }, null, files));
            byte[] found = File.ReadAllBytes(path);
            Assert.True(found.SequenceEqual(old) || found.SequenceEqual(@new), $"operation {n} left neither");
            if (!files.Failed)
            {
                Assert.Null(error);
                Assert.Equal(@new, found);
                output.WriteLine($"{n - 1} operations");
                Assert.True(n > 5);
                return;
            }
            Assert.NotNull(error);
            Assert.Contains(path, error.Message, StringComparison.Ordinal);
            if (errno == FailingFileOps.NoSpace)
            {
                Assert.IsType<CratonException>(error);
                Assert.Contains("bytes", error.Message, StringComparison.Ordinal);
                Assert.Contains("free", error.Message, StringComparison.Ordinal);
            }
            else
            {
                Assert.IsType<IOException>(error);
            }
            if (!persistent) Assert.Single(Directory.GetFileSystemEntries(folder.Root));
        }
    }

    [Fact]
    public void More_than_the_free_space_is_refused_before_writing()
    {
        bool called = false;
        var error = Assert.Throws<CratonException>(() => DurableFile.Write(folder["a.bin"], _ => called = true, expectedBytes: long.MaxValue));
        Assert.False(called);
        Assert.Contains(9223372036854775807L.ToString("N0", null), error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Root));
    }

    [Fact]
    public void A_missing_folder_is_named()
    {
        var error = Assert.Throws<CratonException>(() => DurableFile.WriteText(folder["no/a.txt"], "x"));
        Assert.Contains("folder does not exist", error.Message, StringComparison.Ordinal);
    }

    /// <summary>T3, T4: every prefix of the operations, under every kind of loss.</summary>
    [Fact]
    public void A_power_cut_leaves_the_old_or_the_new_file()
    {
        string real = folder["real"];
        Directory.CreateDirectory(real);
        var files = new CrashingFileOps(real);
        string path = Path.Combine(real, "a.bin");
        byte[][] versions = [[], .. Enumerable.Range(1, 3).Select(v => Enumerable.Repeat((byte)v, 1500 * v).ToArray())];
        var acknowledged = new List<int>();
        for (int v = 1; v < versions.Length; v++)
        {
            int version = v;
            DurableFile.Write(path, s => { s.Write(versions[version].AsSpan(0, 700)); s.Write(versions[version].AsSpan(700)); }, null, files);
            acknowledged.Add(files.Count);
        }
        int states = 0;
        foreach (PowerCut cut in Enum.GetValues<PowerCut>())
        {
            for (int operations = 0; operations <= files.Count; operations++)
            {
                for (int seed = 0; seed < 3; seed++)
                {
                    string state = folder[$"{cut}-{operations}-{seed}"];
                    files.Replay(operations, cut, seed, state);
                    string file = Path.Combine(state, "a.bin");
                    int found = File.Exists(file) ? Array.FindIndex(versions, v => v.Length > 0 && File.ReadAllBytes(file).SequenceEqual(v)) : 0;
                    int promised = acknowledged.Count(a => a <= operations);
                    Assert.True(found >= promised, $"{cut} after {operations} operations, seed {seed}: version {promised} was promised, found {found}");
                    states++;
                }
            }
        }
        output.WriteLine($"{files.Count} operations, {states} states");
    }

    [Fact]
    public void The_crash_simulation_finds_a_save_without_flush()
    {
        string real = folder["real"];
        Directory.CreateDirectory(real);
        var files = new CrashingFileOps(real);
        using (Stream stream = files.Create(Path.Combine(real, "t"))) stream.Write(new byte[100]);
        files.RenameFile(Path.Combine(real, "t"), Path.Combine(real, "a"));
        files.SyncDirectory(real);
        files.Replay(files.Count, PowerCut.LosesAll, 0, folder["state"]);
        Assert.Empty(File.ReadAllBytes(folder["state/a"]));
    }
}
