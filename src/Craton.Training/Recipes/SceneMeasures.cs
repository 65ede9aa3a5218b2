using Craton.Data.Images;
using Craton.Data.Images.Scenes;
using Craton.Models.Generative;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>What a model that draws several pictures for a caption is worth: by the best of them, and by the first.</summary>
internal static class SceneMeasures
{
    private const int ShownOfAKind = 32, Columns = 16;

    // Of all captions, and of those with one thing, two, and several.
    private static readonly string[] s_unranked = [.. SceneJudge.Names.Take(4).Select(name => $"{name}_unranked")];

    /// <summary>Names of what <see cref="Of"/> measures.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. SceneJudge.Names, .. s_unranked];

    /// <summary>Judges a model and shows what it drew in the report of its run.</summary>
    /// <param name="judge">Has the captions.</param>
    /// <param name="draw">Draws for each caption, the best first.</param>
    /// <param name="runFolder">Of the run.</param>
    /// <param name="step">The optimizer step.</param>
    public static IReadOnlyList<Metric> Of(SceneJudge judge, Func<IReadOnlyList<SceneCaption>, IEnumerable<IReadOnlyList<Drawing>>> draw, string runFolder, long step)
    {
        IReadOnlyList<Drawing>[] drawn = [];
        IReadOnlyList<JudgedScene> best = judge.Judge(captions => (drawn = [.. draw(captions)]).Select(drawings => drawings[0].Picture));
        IReadOnlyList<JudgedScene> first = judge.Judge(_ => drawn.Select(drawings => drawings.Single(d => d.Sample == 0).Picture));
        JudgedLog.Write(runFolder, step, best);
        foreach (IGrouping<string, JudgedScene> kind in best.GroupBy(SceneJudge.KindOf))
            PictureLog.Add(runFolder, kind.Key, step, PictureGrid.Of([.. kind.Take(ShownOfAKind).Select(scene => scene.Picture)], Columns));
        return [.. SceneJudge.Measures(best), .. s_unranked.Zip(SceneJudge.Measures(first), (name, measure) => new Metric(name, measure.Value))];
    }
}
