using Craton.Tensors.IO;

namespace Craton.Tensors.Tests.IO;

public sealed class DurableDirectoryTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static void Save(string path, string text, IFileOps? files = null)
    {
        using var directory = new DurableDirectory(path, files);
        directory.Write("a.txt", s => s.Write(System.Text.Encoding.UTF8.GetBytes(text)));
        directory.Write("b.txt", s => s.Write(System.Text.Encoding.UTF8.GetBytes(text)));
        directory.Commit();
    }

    private static string? Content(string path)
    {
        if (DurableDirectory.Find(path) is not { } found) return null;
        string a = File.ReadAllText(Path.Combine(found, "a.txt")), b = File.ReadAllText(Path.Combine(found, "b.txt"));
        Assert.Equal(a, b);
        return a;
    }

    [Fact]
    public void Replaces_a_folder_and_leaves_nothing_else()
    {
        Save(folder["d"], "one");
        Save(folder["d"], "two");
        Assert.Equal("two", Content(folder["d"]));
        Assert.Single(Directory.GetFileSystemEntries(folder.Root));
    }

    [Fact]
    public void Without_commit_nothing_appears()
    {
        using (var directory = new DurableDirectory(folder["d"])) directory.Write("a.txt", s => s.Write("x"u8));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Root));
    }

    [Fact]
    public void Debris_of_an_earlier_attempt_is_no_obstacle()
    {
        Directory.CreateDirectory(folder[".d.tmp"]);
        File.WriteAllText(folder[".d.tmp/a.txt"], "torn");
        File.WriteAllText(folder[".d.tmp/c.txt"], "torn");
        Directory.CreateDirectory(folder[".d.trash/deep"]);
        Save(folder["d"], "one");
        Assert.Equal(["a.txt", "b.txt"], Directory.GetFiles(folder["d"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Single(Directory.GetFileSystemEntries(folder.Root));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_error_at_any_operation_leaves_the_old_or_the_new_folder(bool persistent)
    {
        for (int n = 1; ; n++)
        {
            Save(folder["d"], "old");
            var files = new FailingFileOps(n, FailingFileOps.NoSpace, persistent);
            Exception? error = Record.Exception(() => Save(folder["d"], "new", files));
            string? content = Content(folder["d"]);
            Assert.True(content is "old" or "new", $"operation {n}");
            if (!files.Failed)
            {
                Assert.Null(error);
                Assert.True(n > 10);
                return;
            }
        }
    }

    [Fact]
    public void A_power_cut_leaves_the_old_or_the_new_folder()
    {
        string real = folder["real"];
        Directory.CreateDirectory(real);
        var files = new CrashingFileOps(real);
        string path = Path.Combine(real, "d");
        var acknowledged = new List<int>();
        string[] versions = ["0", .. Enumerable.Range(1, 3).Select(v => new string((char)('0' + v), 600 * v))];
        foreach (string version in versions.Skip(1))
        {
            Save(path, version, files);
            acknowledged.Add(files.Count);
        }
        foreach (PowerCut cut in Enum.GetValues<PowerCut>())
        {
            for (int operations = 0; operations <= files.Count; operations++)
            {
                for (int seed = 0; seed < 3; seed++)
                {
                    string state = folder[$"{cut}-{operations}-{seed}"];
                    files.Replay(operations, cut, seed, state);
                    int found = Math.Max(0, Array.IndexOf(versions, Content(Path.Combine(state, "d")) ?? "0"));
                    int promised = acknowledged.Count(a => a <= operations);
                    Assert.True(found >= promised, $"{cut} after {operations} operations, seed {seed}: {promised} was promised, found {found}");
                    Save(Path.Combine(state, "d"), "next");
                    Assert.Equal("next", Content(Path.Combine(state, "d")));
                    Directory.Delete(state, recursive: true);
                }
            }
        }
    }
}
