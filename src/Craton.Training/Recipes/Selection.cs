using Craton.Data;

namespace Craton.Training.Recipes;

/// <summary>The text of a run as it was selected and cleaned, with what was left out on the way and why.</summary>
/// <param name="Documents">What is left.</param>
/// <param name="Cleaning">What each rule did.</param>
/// <param name="Reading">What could not be read.</param>
public sealed record Selection(Document[] Documents, IReadOnlyList<RuleReport> Cleaning, ReadReport Reading)
{
    /// <summary>Reads and cleans a source.</summary>
    /// <param name="data">Which text.</param>
    /// <param name="listener">Hears what was left out.</param>
    public static Selection Of(DataSettings data, TrainingListener listener)
    {
        var reader = new SourceReader(listener.OnMessage);
        IEnumerable<Document> documents = reader.Documents(data.Source, new TextFileOptions { LinePerDocument = data.LinesAreDocuments });
        if (data.SplitBy == SplitUnit.Document) documents = documents.Select(d => d with { Group = null });
        if (data.MaxDocuments > 0) documents = documents.Take(data.MaxDocuments);
        CleaningPipeline cleaning = data.Cleaning switch
        {
            CleaningPreset.Docs => CleaningPipeline.Docs(),
            CleaningPreset.Web => CleaningPipeline.Web(),
            _ => new CleaningPipeline(),
        };
        Document[] kept = [.. cleaning.Apply(documents)];
        foreach (RuleReport rule in cleaning.Reports) Say(rule, listener);
        return new Selection(kept, cleaning.Reports, reader.Report);
    }

    /// <summary>The statistics page of a corpus.</summary>
    /// <param name="statistics">Has seen all documents.</param>
    /// <param name="run">The run's name.</param>
    public string Page(DataStatistics statistics, string run) => StatisticsPage.Render(statistics.Summary(Cleaning, Reading), $"Data of {run}");

    /// <summary>Says how many documents a rule left out.</summary>
    internal static void Say(RuleReport rule, TrainingListener listener)
    {
        string reasons = string.Join(", ", rule.DroppedByReason.Select(r => $"{r.Key} {r.Value:N0}"));
        listener.OnMessage($"{rule.Rule}: {rule.Seen - rule.Kept:N0} of {rule.Seen:N0} left out{(reasons.Length > 0 ? $" ({reasons})" : "")}");
    }
}
