using System.Text.Json;
using System.Text.Json.Serialization;
using Craton.Data;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Training.Optimizers;

namespace Craton.Training.Checkpoints;

/// <summary>What a resumed run goes on with, so that it reports what an uninterrupted one does. Null for what is not known or not finite.</summary>
internal sealed record RunningFigures(double? TrainLoss, double? ValLoss, double? BitsPerByte, long? SampleBytes)
{
    public static readonly RunningFigures None = new(null, null, null, null);

    /// <summary>What was last measured, by name; null where a loop has no such measures.</summary>
    public IReadOnlyDictionary<string, double>? Measures { get; init; }

    public static RunningFigures Of(double trainLoss, double valLoss, double bitsPerByte, long sampleBytes) =>
        new(Finite(trainLoss), Finite(valLoss), Finite(bitsPerByte), sampleBytes);

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}

/// <summary>What one optimizer trains: a model, or one of two that train against each other.</summary>
/// <param name="Model">Its parameters and buffers.</param>
/// <param name="Optimizer">Updates the parameters.</param>
/// <param name="Average">Their moving average, or null.</param>
/// <param name="Name">Tells its files from those of the other parts; empty where it is the only one.</param>
internal sealed record TrainedPart(Module Model, IOptimizer Optimizer, Ema? Average = null, string Name = "");

/// <summary>The numbers of a checkpoint: steps and updates of every part.</summary>
internal sealed record TrainingState(
    long Step, IReadOnlyList<long> OptimizerSteps, IReadOnlyList<long> Averaged, LoaderState Rows, RunningFigures? Figures, string? Frozen);

[JsonSerializable(typeof(TrainingState))]
internal sealed partial class TrainingStateJson : JsonSerializerContext;

/// <summary>What a checkpoint holds: weights, optimizer state and averages of every part, and where the data stand.</summary>
internal sealed class TrainingCheckpoint(IReadOnlyList<TrainedPart> parts, IResumable rows, string? frozen = null)
{
    private const string Weights = "model", Optimizer = "optimizer", Average = "average", State = "state.json";

    public IReadOnlyList<CheckpointFile> Files(long step, RunningFigures figures)
    {
        var state = new TrainingState(step, [.. parts.Select(p => p.Optimizer.Steps)], [.. parts.Select(p => p.Average?.Updates ?? 0)], rows.State, figures, frozen);
        List<CheckpointFile> files = [new(State, stream => JsonSerializer.Serialize(stream, state, TrainingStateJson.Default.TrainingState))];
        foreach ((string name, IEnumerable<(string Name, Tensor Tensor)> tensors) in Tensors())
            files.Add(new(name, stream => SafetensorsWriter.Write(stream, [.. tensors.Select(t => TensorFiles.Source(t.Name, t.Tensor))])));
        return files;
    }

    public (long Step, RunningFigures Figures) Load(Checkpoint checkpoint)
    {
        TrainingState state = JsonSerializer.Deserialize(File.ReadAllBytes(checkpoint.PathOf(State)), TrainingStateJson.Default.TrainingState)!;
        if (state.Frozen != frozen) throw new CratonException("the model beside the adapter has changed since this run began; restore it, or begin a run under another name");
        foreach ((string name, IEnumerable<(string Name, Tensor Tensor)> tensors) in Tensors())
        {
            using SafetensorsFile file = SafetensorsFile.Open(checkpoint.PathOf(name));
            foreach ((string tensor, Tensor target) in tensors) file.ReadInto(tensor, target);
        }
        for (int i = 0; i < parts.Count; i++)
        {
            parts[i].Optimizer.Steps = state.OptimizerSteps[i];
            if (parts[i].Average is { } average) average.Updates = state.Averaged[i];
        }
        rows.State = state.Rows;
        return (state.Step, state.Figures ?? RunningFigures.None);
    }

    private IEnumerable<(string File, IEnumerable<(string Name, Tensor Tensor)> Tensors)> Tensors()
    {
        foreach (TrainedPart part in parts)
        {
            string prefix = part.Name.Length == 0 ? "" : part.Name + "-";
            yield return ($"{prefix}{Weights}.safetensors", part.Model.NamedParameters().Concat(part.Model.NamedBuffers()));
            yield return ($"{prefix}{Optimizer}.safetensors", part.Optimizer.State);
            if (part.Average is not null) yield return ($"{prefix}{Average}.safetensors", part.Average.State);
        }
    }
}
