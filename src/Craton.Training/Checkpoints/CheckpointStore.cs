using System.Globalization;
using System.Text.RegularExpressions;

namespace Craton.Training.Checkpoints;

/// <summary>
/// The checkpoints of a run, <c>runs/NAME/checkpoints/step-00000200/</c>. A checkpoint appears with all its files or not at
/// all, is never changed, and is compared with its SHA-256 before it is used. When <see cref="Save"/> has returned, the
/// checkpoint survives a power cut; when it fails or is killed, the earlier ones are untouched.
/// </summary>
/// <remarks>One process saves; any number may read meanwhile. Nothing depends on the clock: the newest is the highest step.</remarks>
public sealed partial class CheckpointStore
{
    private readonly string folder;
    private readonly int keep;
    private readonly bool keepBest;
    private readonly Action<string> warn;
    private readonly IFileOps files;

    /// <summary>Names the place; nothing is created before the first save.</summary>
    /// <param name="runFolder">The folder of the run, <c>runs/NAME</c>.</param>
    /// <param name="keep">How many of the newest checkpoints stay.</param>
    /// <param name="keepBest">Whether the one with the lowest score stays too.</param>
    /// <param name="warn">Receives a sentence when a damaged checkpoint is passed over.</param>
    /// <param name="files">The file system; the real one by default.</param>
    public CheckpointStore(string runFolder, int keep = 2, bool keepBest = false, Action<string>? warn = null, IFileOps? files = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keep, 1);
        folder = Path.Combine(Path.GetFullPath(runFolder), "checkpoints");
        this.keep = keep;
        this.keepBest = keepBest;
        this.warn = warn ?? (_ => { });
        this.files = files ?? FileOps.Real;
    }

    /// <summary>Saves a checkpoint and then removes those that need not be kept.</summary>
    /// <param name="step">The optimizer step. An existing checkpoint of this step is replaced.</param>
    /// <param name="content">Its files.</param>
    /// <param name="score">What it is judged by, lower is better, if it is.</param>
    /// <exception cref="CratonException">The disk is full or not writable. Earlier checkpoints are as before.</exception>
    public void Save(long step, IReadOnlyList<CheckpointFile> content, double? score = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        if (score is { } number && !double.IsFinite(number)) score = null; // a diverged run has no best checkpoint, but is still saved
        RequirePlainNames(content);
        RemoveDebris();
        using (var directory = new DurableDirectory(PathOf(step), files))
        {
            var items = new List<CheckpointManifest.Item>();
            foreach (CheckpointFile file in content)
            {
                directory.Write(file.Name, stream =>
                {
                    using var hashing = new HashingStream(stream);
                    file.Write(hashing);
                    items.Add(new CheckpointManifest.Item(file.Name, hashing.Position, hashing.Sha256()));
                });
            }
            byte[] manifest = CheckpointManifest.Create(step, score, items).ToBytes();
            directory.Write(CheckpointManifest.FileName, stream => stream.Write(manifest), manifest.Length);
            directory.Commit();
        }
        KillPoint.Hit("checkpoint-saved");
        RemoveOld(step);
        KillPoint.Hit("checkpoint-done");
    }

    /// <summary>The steps of which there is a checkpoint, ascending, none of them looked at.</summary>
    public IReadOnlyList<long> Steps()
    {
        if (!Directory.Exists(folder)) return [];
        var steps = new SortedSet<long>();
        foreach (string path in Directory.EnumerateDirectories(folder))
        {
            Match match = StepName().Match(Path.GetFileName(path));
            if (match.Success && match.Groups["state"].Value is "" or ".old" && long.TryParse(match.Groups["step"].Value, NumberStyles.None, CultureInfo.InvariantCulture, out long step))
                steps.Add(step);
        }
        return [.. steps];
    }

    /// <summary>
    /// What the process calls that goes on training: <see cref="OpenLatest"/>, and the end of what a crash interrupted (debris, a
    /// removal of old checkpoints).
    /// </summary>
    /// <returns>Null when the run has no checkpoint yet.</returns>
    public Checkpoint? Resume()
    {
        RemoveDebris();
        Checkpoint? latest = OpenLatest();
        if (latest is not null) RemoveOld(latest.Step);
        return latest;
    }

    /// <summary>Opens the newest checkpoint that is intact, without changing anything, with a warning for each newer one that is not.</summary>
    /// <returns>Null when the run has no checkpoint yet.</returns>
    /// <exception cref="CratonException">There are checkpoints, but none is intact; or one is of another version of Craton.</exception>
    public Checkpoint? OpenLatest()
    {
        IReadOnlyList<long> steps = Steps();
        foreach (long step in steps.Reverse())
        {
            try
            {
                return Open(step);
            }
            catch (DamagedCheckpointException error)
            {
                warn($"{error.Message}; falling back to the checkpoint before step {step}");
            }
        }
        return steps.Count == 0 ? null
            : throw new CratonException(
                $"'{folder}': none of the {steps.Count} checkpoints is intact; restore one from a copy, or delete the folder to begin again");
    }

    /// <summary>Opens the checkpoint of a step.</summary>
    /// <exception cref="DamagedCheckpointException">It is not what was saved.</exception>
    /// <exception cref="CratonException">There is none.</exception>
    public Checkpoint Open(long step)
    {
        string place = DurableDirectory.Find(PathOf(step))
            ?? throw new CratonException(
                $"'{folder}' has no checkpoint of step {step}, only of {string.Join(", ", Steps())}; choose one of these");
        CheckpointManifest manifest = CheckpointManifest.Verify(place, step);
        return new Checkpoint(step, place, manifest.Score, [.. manifest.Files.Select(file => file.Name)]);
    }

    private string PathOf(long step) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"step-{step:D8}"));

    /// <summary>Ends what a crash interrupted, whatever its step was.</summary>
    private void RemoveDebris()
    {
        if (!Directory.Exists(folder)) return;
        foreach (string hidden in Directory.GetDirectories(folder, ".step-*"))
        {
            Match match = StepName().Match(Path.GetFileName(hidden));
            if (match.Success) DurableDirectory.Recover(Path.Combine(folder, match.Groups["name"].Value), files);
        }
    }

    /// <summary>
    /// Keeps the newest up to the step just saved. Later ones, which a run has left that resumes from an earlier step, stay until
    /// they are replaced: they never push out the checkpoint just saved.
    /// </summary>
    private void RemoveOld(long saved)
    {
        long[] older = [.. Steps().Where(step => step <= saved).Reverse().Skip(keep)];
        long? best = keepBest ? Best(Steps().Where(step => step <= saved)) : null;
        foreach (long step in older)
            if (step != best) DurableDirectory.Delete(PathOf(step), files);
    }

    private long? Best(IEnumerable<long> steps)
    {
        long? best = null;
        double lowest = double.PositiveInfinity;
        foreach (long step in steps)
        {
            try
            {
                if (CheckpointManifest.Read(Path.Combine(PathOf(step), CheckpointManifest.FileName)).Score is not { } score || score >= lowest) continue;
                (best, lowest) = (step, score);
            }
            catch (CratonException error)
            {
                warn(error.Message);
            }
        }
        return best;
    }

    private static void RequirePlainNames(IReadOnlyList<CheckpointFile> content)
    {
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { CheckpointManifest.FileName };
        foreach (CheckpointFile file in content)
        {
            if (!names.Add(file.Name) || file.Name != Path.GetFileName(file.Name) || file.Name is "" or "." or "..")
                throw new ArgumentException(
                    $"'{file.Name}' cannot be the name of a file in a checkpoint: expected plain, different names.", nameof(content));
        }
    }

    [GeneratedRegex(@"^\.?(?<name>step-(?<step>\d{8,18}))(?<state>|\.old|\.tmp|\.trash)$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex StepName();
}
