using Craton.Data.Images;
using Craton.Models;
using Craton.Nn;
using Craton.Tensors;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>What recipes that train on pictures do before and after their loop.</summary>
internal static class ImageRun
{
    /// <summary>The pictures that the settings name, those to learn with labels where the settings name them.</summary>
    /// <exception cref="CratonException">A file cannot be read, or pictures are of different sizes.</exception>
    public static (ImageSet Train, ImageSet Test) Open(ImageDataSettings data)
    {
        ImageSet train = Read(data.Train, data.Labels), test = Read(data.Test, data.TestLabels);
        if ((train.Width, train.Height) != (test.Width, test.Height))
            throw new CratonException($"data.test: expected pictures of {train.Width}×{train.Height} pixels as in data.train, got {test.Width}×{test.Height}");
        return (train, test);

        static ImageSet Read(string images, string? labels) => IdxReader.ReadImages(SourceReader.Resolve(images), labels is null ? null : SourceReader.Resolve(labels));
    }

    /// <summary>The report, and the directory of the model when the run came to its end.</summary>
    /// <param name="folder">The run.</param>
    /// <param name="kind">Kind of recipe.</param>
    /// <param name="name">Name of the run.</param>
    /// <param name="data">Hash of what was learnt.</param>
    /// <param name="end">What the loop gave.</param>
    /// <param name="weights">What was trained.</param>
    /// <param name="save">Writes the model's directory.</param>
    /// <param name="shown">Names of the measures that the report shows.</param>
    public static RunResult Finish(
        RunFolder folder, string kind, string name, string data, (TrainingOutcome Outcome, IReadOnlyList<Metric> Measures) end, Module weights,
        Action<string, ModelCard> save, params IReadOnlyList<string> shown) => Finish(folder, kind, name, data, end, weights, save, "pictures", shown);

    /// <summary>The same where the rate counts something else than pictures.</summary>
    public static RunResult Finish(
        RunFolder folder, string kind, string name, string data, (TrainingOutcome Outcome, IReadOnlyList<Metric> Measures) end, Module weights,
        Action<string, ModelCard> save, string unit, IReadOnlyList<string> shown)
    {
        string report = ImageReport.Write(folder.Folder, name, shown);
        IReadOnlyList<Metric> measures = [.. end.Measures, new($"{unit}_per_second", end.Outcome.TokensPerSecond)];
        if (end.Outcome.Stopped) return new RunResult(folder.Folder, null, report, null, end.Outcome) { Measures = measures };
        string resolved = File.ReadAllText(Path.Combine(folder.Folder, "recipe.yaml"));
        save(folder.Model, new ModelCard
        {
            Kind = kind,
            Recipe = resolved,
            Hashes = new Origin(data).Hashes(resolved),
            Metrics = new SortedDictionary<string, double>(end.Measures.ToDictionary(m => m.Name, m => m.Value), StringComparer.Ordinal),
        });
        return new RunResult(folder.Folder, folder.Model, report, ModelDirectory.HashWeights(weights), end.Outcome) { Measures = measures };
    }
}
