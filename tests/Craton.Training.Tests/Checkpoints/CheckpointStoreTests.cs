using System.Diagnostics;
using System.Text;
using Craton.Training.Checkpoints;
using Xunit.Abstractions;

namespace Craton.Training.Tests.Checkpoints;

public sealed class CheckpointStoreTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly List<string> warnings = [];

    public void Dispose() => folder.Dispose();

    private CheckpointStore Store(int keep = 2, bool best = false, IFileOps? files = null, string run = "run") => new(folder[run], keep, best, warnings.Add, files);

    private static void Save(CheckpointStore store, params long[] steps)
    {
        foreach (long step in steps) store.Save(step, ToyTraining.Content(ToyTraining.StateAt(step)));
    }

    private string FileOf(long step, string name) => folder[$"run/checkpoints/step-{step:D8}/{name}"];

    [Fact]
    public void The_newest_is_opened_and_the_last_ones_are_kept()
    {
        CheckpointStore store = Store();
        Assert.Null(store.OpenLatest());
        Save(store, 100, 200, 300);
        Assert.Equal([200L, 300L], store.Steps());
        Checkpoint latest = store.OpenLatest()!;
        Assert.Equal(300, latest.Step);
        Assert.Equal(["model.safetensors", "state.json"], latest.Files);
        ToyTraining.Check(latest);
        ToyTraining.Check(store.Open(200));
        Assert.Equal(2, Directory.GetFileSystemEntries(folder["run/checkpoints"]).Length);
        Assert.Contains("'optimizer.safetensors'", Assert.Throws<CratonException>(() => latest.PathOf("optimizer.safetensors")).Message, StringComparison.Ordinal);
        Assert.Contains("200, 300", Assert.Throws<CratonException>(() => store.Open(100)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_best_is_kept_too()
    {
        CheckpointStore store = Store(keep: 1, best: true);
        foreach ((long step, double? score) in new (long, double?)[] { (1, 3), (2, 1), (3, null), (4, double.NaN), (5, 2) })
            store.Save(step, ToyTraining.Content(ToyTraining.StateAt(step)), score);
        Assert.Equal([2L, 5L], store.Steps());
        Assert.Equal(1, store.Open(2).Score);
    }

    [Fact]
    public void The_order_is_that_of_steps_not_of_names()
    {
        CheckpointStore store = Store();
        Save(store, 99_999_999, 100_000_000);
        Assert.Equal(100_000_000, store.OpenLatest()!.Step);
    }

    [Fact]
    public void A_damaged_checkpoint_is_passed_over_with_a_warning_and_then_replaced()
    {
        CheckpointStore store = Store(keep: 1 + 1);
        Save(store, 200, 300);
        File.AppendAllText(FileOf(300, "state.json"), "0");
        Assert.Equal(200, store.OpenLatest()!.Step);
        Assert.Contains("state.json", Assert.Single(warnings), StringComparison.Ordinal);
        Save(store, 250);
        Assert.Equal(250, store.OpenLatest()!.Step);
        Save(store, 300);
        ToyTraining.Check(store.Open(300));
    }

    [Fact]
    public void A_damaged_newer_one_does_not_push_out_the_one_just_saved()
    {
        CheckpointStore store = Store(keep: 1);
        Save(store, 300);
        File.Delete(FileOf(300, "model.safetensors"));
        Save(store, 250);
        Assert.Equal(250, store.OpenLatest()!.Step);
    }

    [Fact]
    public void When_none_is_intact_training_does_not_begin_anew()
    {
        CheckpointStore store = Store();
        Save(store, 1);
        File.Delete(FileOf(1, "manifest.json"));
        Assert.Contains("none of the 1", Assert.Throws<CratonException>(() => store.OpenLatest()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_newer_version_is_refused_not_passed_over()
    {
        CheckpointStore store = Store();
        Save(store, 1, 2);
        string path = FileOf(2, "manifest.json");
        string body = File.ReadAllText(path).Replace("\"version\": 1", "\"version\": 2", StringComparison.Ordinal);
        body = body[..body.LastIndexOf(",\n  \"sha256\"", StringComparison.Ordinal)];
        string seal = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(body)));
        File.WriteAllText(path, $"{body},\n  \"sha256\": \"{seal}\"\n}}\n");
        Assert.Contains("version", Assert.Throws<CratonException>(() => store.OpenLatest()).Message, StringComparison.Ordinal);
    }

    /// <summary>T22: checkpoints of every version so far.</summary>
    [Fact]
    public void Frozen_checkpoints_are_opened()
    {
        string? root = AppContext.BaseDirectory;
        while (root is not null && !File.Exists(Path.Combine(root, "Craton.slnx"))) root = Path.GetDirectoryName(root);
        string[] versions = Directory.GetDirectories(Path.Combine(root!, "tests/fixtures/checkpoints"));
        foreach (string version in versions) ToyTraining.Check(new CheckpointStore(version, warn: warnings.Add).OpenLatest()!);
        Assert.Empty(warnings);
        Assert.NotEmpty(versions);
    }

    /// <summary>T9: every bit of the manifest and 1,000 random bits of all files.</summary>
    [Fact]
    public void A_flipped_bit_is_noticed()
    {
        const int seed = 11;
        CheckpointStore store = Store();
        Save(store, 1, 2);
        var random = new Random(seed);
        string[] names = ["model.safetensors", "state.json", "manifest.json"];
        var flips = Enumerable.Range(0, 8 * (int)new FileInfo(FileOf(2, names[2])).Length).Select(bit => (names[2], bit))
            .Concat(Enumerable.Range(0, 1000).Select(_ => names[random.Next(3)]).Select(name => (name, random.Next(8 * (int)new FileInfo(FileOf(2, name)).Length))));
        int count = 0;
        foreach ((string name, int bit) in flips)
        {
            string path = FileOf(2, name);
            byte[] good = File.ReadAllBytes(path), bad = [.. good];
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            File.WriteAllBytes(path, bad);
            warnings.Clear();
            Assert.Equal(1, store.OpenLatest()!.Step);
            Assert.Contains(path, Assert.Single(warnings), StringComparison.Ordinal);
            File.WriteAllBytes(path, good);
            count++;
        }
        output.WriteLine($"seed {seed}: {count} flips");
        Assert.Equal(2, store.OpenLatest()!.Step);
    }

    /// <summary>T8.</summary>
    [Fact]
    public void Debris_is_no_obstacle_and_goes_with_the_next_save()
    {
        CheckpointStore store = Store();
        Save(store, 1);
        foreach (string debris in new[] { ".step-00000002.tmp", ".step-00000009.tmp", ".step-00000001.trash", ".step-00000001.old" })
        {
            Directory.CreateDirectory(folder[$"run/checkpoints/{debris}"]);
            File.WriteAllText(folder[$"run/checkpoints/{debris}/state.json"], "torn");
        }
        Assert.Equal(1, store.OpenLatest()!.Step);
        Save(store, 2);
        Assert.Equal(["step-00000001", "step-00000002"], Directory.GetFileSystemEntries(folder["run/checkpoints"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_checkpoint_set_aside_when_the_process_died_is_found()
    {
        CheckpointStore store = Store();
        Save(store, 1);
        Directory.Move(folder["run/checkpoints/step-00000001"], folder["run/checkpoints/.step-00000001.old"]);
        ToyTraining.Check(store.OpenLatest()!);
        Save(store, 2);
        Assert.Equal([1L, 2L], store.Steps());
        ToyTraining.Check(store.Open(1));
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("manifest.json")]
    [InlineData("STATE.json")]
    public void Names_must_be_plain_and_different(string name) => Assert.Throws<ArgumentException>(() =>
        Store().Save(1, [new CheckpointFile("state.json", _ => { }), new CheckpointFile(name, _ => { })]));

    /// <summary>T5, T6: an error at each operation in turn, once and for good.</summary>
    [Theory]
    [InlineData(FailingFileOps.NoSpace, false)]
    [InlineData(FailingFileOps.NoSpace, true)]
    [InlineData(FailingFileOps.DeviceError, false)]
    [InlineData(FailingFileOps.DeviceError, true)]
    public void An_error_at_any_operation_leaves_the_last_good_checkpoint(int errno, bool persistent)
    {
        for (int n = 1; ; n++)
        {
            string run = $"run-{n}";
            CheckpointStore store = Store(run: run);
            Save(store, 1, 2);
            var files = new FailingFileOps(n, errno, persistent);
            Exception? error = Record.Exception(() => Save(Store(files: files, run: run), 3));
            Checkpoint latest = store.OpenLatest()!;
            Assert.True(latest.Step is 2 or 3);
            ToyTraining.Check(latest);
            Assert.Empty(warnings);
            if (!files.Failed)
            {
                Assert.Null(error);
                Assert.Equal(3, latest.Step);
                output.WriteLine($"{n - 1} operations");
                Assert.True(n > 15);
                return;
            }
            if (error is not null)
            {
                Assert.Equal(errno == FailingFileOps.NoSpace ? typeof(CratonException) : typeof(IOException), error.GetType());
                Assert.Contains(folder[run], error.Message, StringComparison.Ordinal);
            }
            Save(store, 4);
            Assert.All(Directory.GetFileSystemEntries(folder[$"{run}/checkpoints"]), path => Assert.DoesNotContain(".", Path.GetFileName(path), StringComparison.Ordinal));
            Assert.Equal(4, store.OpenLatest()!.Step);
        }
    }

    /// <summary>T3, T4: the power fails behind each operation of three saves and the removals between them.</summary>
    [Fact]
    public void A_power_cut_leaves_a_complete_checkpoint_and_loses_none_that_was_acknowledged()
    {
        Directory.CreateDirectory(folder["real"]);
        var files = new CrashingFileOps(folder["real"]);
        var acknowledged = new List<(int Operations, long Step)> { (0, 0) };
        long[] steps = [1, 2, 3, 2]; // the last replaces one
        foreach (long step in steps)
        {
            Save(new CheckpointStore(folder["real/run"], keep: 1, files: files), step);
            acknowledged.Add((files.Count, Math.Max(step, acknowledged[^1].Step)));
        }
        int states = 0;
        foreach (PowerCut cut in Enum.GetValues<PowerCut>())
        {
            for (int operations = 0; operations <= files.Count; operations++)
            {
                for (int seed = 0; seed < (cut >= PowerCut.KeepsSomeInOrder ? 3 : 1); seed++)
                {
                    string state = folder["state"];
                    files.Replay(operations, cut, seed, state);
                    var store = new CheckpointStore(Path.Combine(state, "run"), keep: 1, warn: warnings.Add);
                    Checkpoint? found = store.OpenLatest();
                    long promised = acknowledged.Last(a => a.Operations <= operations).Step;
                    Assert.True((found?.Step ?? 0) >= promised, $"{cut} after {operations} operations, seed {seed}: step {promised} was promised, found {found?.Step}");
                    if (found is not null) ToyTraining.Check(found);
                    Save(store, 9);
                    ToyTraining.Check(store.OpenLatest()!);
                    Directory.Delete(state, recursive: true);
                    states++;
                }
            }
        }
        output.WriteLine($"{files.Count} operations, {states} states, {warnings.Count} warnings of half-removed checkpoints");
    }

    /// <summary>T5 on a real file system of 1 MiB.</summary>
    [Fact]
    public void A_full_disk_is_told_with_path_and_bytes()
    {
        string mount = folder["small"];
        Directory.CreateDirectory(mount);
        if (!OperatingSystem.IsLinux() || Execute("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mount) != 0)
        {
            output.WriteLine("skipped: a tmpfs cannot be mounted here (needs Linux and the right to mount)");
            return;
        }
        try
        {
            var store = new CheckpointStore(mount);
            Save(store, 1);
            var large = new CheckpointFile("model.safetensors", stream => stream.Write(new byte[2 << 20]));
            var error = Assert.Throws<CratonException>(() => store.Save(2, [large]));
            Assert.Matches("step-00000002/model.safetensors.*needs more than [0-9,]+ bytes and [0-9,]+ are free", error.Message);
            Assert.Equal(1, store.OpenLatest()!.Step);
            Assert.Single(Directory.GetFileSystemEntries(Path.Combine(mount, "checkpoints")));
            Save(store, 2);
            ToyTraining.Check(store.OpenLatest()!);
        }
        finally
        {
            Assert.Equal(0, Execute("umount", mount));
        }
    }

    private static int Execute(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return -1; // no such program
        }
    }
}
