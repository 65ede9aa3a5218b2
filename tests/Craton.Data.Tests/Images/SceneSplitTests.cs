using Craton.Data.Images.Scenes;
using Craton.Tensors;

namespace Craton.Data.Tests.Images;

public sealed class SceneSplitTests
{
    private readonly SceneSplit _split = new(7, 0.1);

    [Fact]
    public void No_training_scene_shows_a_combination_that_is_held_out()
    {
        Scene[] training = [.. Enumerable.Range(0, 2000).Select(i => _split.Training(i / 50, i % 50))], heldOut = [.. Enumerable.Range(0, 300).Select(_split.HeldOut)];
        Assert.DoesNotContain(training, scene => _split.IsHeldOut(scene.Caption));
        Assert.All(heldOut, scene => Assert.True(_split.IsHeldOut(scene.Caption)));
        Assert.Empty(training.Select(s => s.Caption).Intersect(heldOut.Select(s => s.Caption)));
        Assert.Contains(heldOut, scene => scene.Objects.Count == 1);
        Assert.Equal(2000, training.Select(s => s.Objects[0]).Distinct().Count());
    }

    [Fact]
    public void The_same_combination_said_the_other_way_round_is_held_out_too()
    {
        foreach (SceneCaption caption in Enumerable.Range(0, 300).Select(i => _split.HeldOut(i).Caption).Where(c => c.Other is not null))
        {
            SceneRelation back = caption.Relation switch { SceneRelation.Above => SceneRelation.Below, SceneRelation.Below => SceneRelation.Above, SceneRelation.Left => SceneRelation.Right, _ => SceneRelation.Left };
            Assert.True(_split.IsHeldOut(caption with { Thing = caption.Other!, Other = caption.Thing, Relation = back }));
        }
    }

    [Fact]
    public void A_scene_is_a_function_of_its_numbers_and_a_state_of_other_scenes_is_refused()
    {
        Assert.Equal(_split.Training(3, 4).Objects, new SceneSplit(7, 0.1).Training(3, 4).Objects);
        _split.State = new SceneSplit(7, 0.1).State;
        Assert.Throws<CratonException>(() => _split.State = new SceneSplit(8, 0.1).State);
        Assert.Throws<CratonException>(() => new SceneSplit(7, 0));
    }

    [Fact]
    public void The_score_counts_pictures_by_kind_and_parts_by_name()
    {
        var score = new SceneScore();
        var red = SceneCaption.Parse("a large red circle on a black background");
        var two = SceneCaption.Parse("a large red circle above a small blue square on a black background");
        Scene scene = Enumerable.Range(0, 10000).Select(i => _split.Training(0, i)).First(s => s.Caption == red);
        score.Add(red, SceneRenderer.Render(scene));
        score.Add(red with { Thing = red.Thing with { Colour = SceneColour.Blue } }, SceneRenderer.Render(scene));
        score.Add(two, SceneRenderer.Render(scene));
        var shares = score.Shares.ToDictionary(s => s.Name, s => s.Share);
        Assert.Equal((0.5, 0), (shares["scene_accuracy_one"], shares["scene_accuracy_two"]));
        Assert.Equal((0.5, 1, 0), (shares["attribute_accuracy_colour"], shares["attribute_accuracy_background"], shares["attribute_accuracy_relation"]));
    }
}
