using Craton.Data.Images;
using Craton.Data.Images.Scenes;
using Craton.Tensors;

namespace Craton.Data.Tests.Images;

/// <summary>Scenes, their captions and questions, and the checker that looks at pixels.</summary>
public sealed class SceneTests
{
    private const int Count = 2000;
    private static readonly SceneGenerator s_scenes = new(7);

    [Theory]
    [InlineData(32)]
    [InlineData(64)]
    public void The_checker_is_right_on_true_scenes(int side)
    {
        int right = 0;
        var wrong = new List<string>();
        for (int i = 0; i < Count; i++)
        {
            Scene scene = s_scenes[i];
            SceneCheck check = SceneChecker.Check(SceneRenderer.Render(scene, side), scene.Caption);
            if (check.Holds) right++;
            else wrong.Add($"{scene.Caption}: {string.Join("; ", check.Parts.Where(p => !p.Holds))}");
        }
        Assert.True(right >= 0.995 * Count, $"{right} of {Count}: {string.Join('\n', wrong.Take(5))}");
    }

    [Fact]
    public void Captions_of_other_scenes_are_refused()
    {
        int accepted = 0;
        for (int i = 0; i < Count; i++)
        {
            SceneCaption other = s_scenes[(i + 1) % Count].Caption;
            bool same = other == s_scenes[i].Caption;
            if (SceneChecker.Check(SceneRenderer.Render(s_scenes[i]), other).Holds != same) accepted++;
        }
        Assert.True(accepted <= 0.005 * Count, $"{accepted} of {Count} foreign captions were accepted");
    }

    [Fact]
    public void Every_part_of_a_caption_is_refused_by_itself()
    {
        Scene scene = Enumerable.Range(0, Count).Select(i => s_scenes[i]).First(scene => scene.Caption.Relation == SceneRelation.Above);
        SceneCaption caption = scene.Caption;
        Picture picture = SceneRenderer.Render(scene);
        Assert.Equal(["relation"], Wrong(caption with { Relation = SceneRelation.Left }));
        Assert.Equal(["background"], Wrong(caption with { Background = (SceneBackground)(((int)caption.Background + 1) % 3) }));
        Assert.Equal(["size"], Wrong(caption with { Thing = caption.Thing with { Size = 1 - caption.Thing.Size } }));
        Assert.Equal(["count", "size", "colour", "shape"], SceneChecker.Check(new SceneReading(caption.Background, []), caption with { Other = null, Relation = null }).Parts.Where(p => !p.Holds).Select(p => p.Name));

        string[] Wrong(SceneCaption said) => [.. SceneChecker.Check(picture, said).Parts.Where(p => !p.Holds).Select(p => p.Name)];
    }

    [Fact]
    public void A_seventh_of_what_can_be_said_of_a_thing_is_held_out_and_a_loader_never_gives_it()
    {
        SceneCaption[] alone = [.. from size in Enum.GetValues<SceneSize>()
                                   from colour in Enum.GetValues<SceneColour>()
                                   from shape in Enum.GetValues<SceneShape>()
                                   select new SceneCaption(new(size, colour, shape), 1, null, null, SceneBackground.Grey)];
        Assert.Equal(
            ["small red circle", "small blue square", "small purple triangle", "large green circle", "large yellow square", "large cyan triangle"],
            alone.Where(SceneSplit.IsHeldOut).Select(caption => $"{caption.Thing}"));
        var training = new SceneLoader(3);
        var heldOut = new SceneLoader(3, heldOut: true);
        for (int i = 0; i < 200; i++)
        {
            SceneCaption caption = training.Next().Caption;
            Assert.False(SceneSplit.IsHeldOut(caption), $"{caption}");
            if (caption.Other is { } other)
                Assert.False(SceneSplit.IsHeldOut(new(other, 1, caption.Relation!.Value.Opposite(), caption.Thing, caption.Background)), $"{caption}");
            Assert.True(SceneSplit.IsHeldOut(heldOut.Next().Caption));
        }
    }

    [Fact]
    public void A_loader_goes_on_where_its_state_says()
    {
        var scenes = new SceneLoader(5);
        for (int i = 0; i < 30; i++) scenes.Next();
        var later = new SceneLoader(5) { State = scenes.State };
        for (int i = 0; i < 30; i++) Assert.Equal(scenes.Next().Objects, later.Next().Objects);
        Assert.Equal(60, later.State.Rows);
        Assert.Contains("other data", Assert.Throws<CratonException>(() => new SceneLoader(6).State = scenes.State).Message);
        Assert.Contains("damaged", Assert.Throws<CratonException>(() => later.State = later.State with { Sources = [new(0, -1, 0, 0)] }).Message);
    }

    [Fact]
    public void Noise_does_not_confuse_the_checker()
    {
        var random = new Random(1);
        int right = 0;
        for (int i = 0; i < 500; i++)
        {
            Picture picture = SceneRenderer.Render(s_scenes[i]);
            for (int at = 0; at < picture.Samples.Length; at++) picture.Samples[at] = (byte)Math.Clamp(picture.Samples[at] + random.Next(-25, 26), 0, 255);
            if (SceneChecker.Check(picture, s_scenes[i].Caption).Holds) right++;
        }
        Assert.True(right >= 490, $"{right} of 500");
    }

    [Fact]
    public void Scenes_depend_on_seed_and_number_alone()
    {
        Assert.Equal(s_scenes[123].Objects, new SceneGenerator(7)[123].Objects);
        Assert.NotEqual(s_scenes[123].Objects, new SceneGenerator(8)[123].Objects);
        Assert.True(Enumerable.Range(0, 300).Select(i => s_scenes[i].Caption.ToString()).Distinct().Count() > 200);
    }

    [Fact]
    public void Captions_are_read_as_they_are_written_and_mutations_refused_with_a_sentence()
    {
        for (int i = 0; i < 1000; i++) Assert.Equal(s_scenes[i].Caption, SceneCaption.Parse(s_scenes[i].Caption.ToString()));
        var random = new Random(20261126);
        int refused = 0;
        for (int i = 0; i < 100_000; i++)
        {
            List<string> words = [.. s_scenes[i % 1000].Caption.ToString().Split(' ')];
            int at = random.Next(words.Count);
            if (random.Next(3) == 0) words.RemoveAt(at);
            else words[at] = random.Next(2) == 0 ? words[random.Next(words.Count)] : words[at] + (char)random.Next(32, 999);
            try
            {
                string sentence = string.Join(' ', words);
                Assert.Equal(SceneCaption.Parse(sentence), SceneCaption.Parse(SceneCaption.Parse(sentence).ToString()));
            }
            catch (SceneCaptionException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 50_000, 99_999);
    }

    [Fact]
    public void Questions_have_one_answer()
    {
        SceneCaption caption = SceneCaption.Parse("a small red circle left of a large blue circle on a white background");
        Dictionary<string, string> answers = SceneQuestions.Of(caption).ToDictionary(q => q.Question, q => q.Answer);
        Assert.Equal("two", answers["how many things are there?"]);
        Assert.Equal("circle", answers["what shape is the red thing?"]);
        Assert.Equal("large", answers["what size is the blue circle?"]);
        Assert.Equal("yes", answers["is the red circle left of the blue circle?"]);
        Assert.Equal("no", answers["is the red circle above the blue circle?"]);
        Assert.DoesNotContain("what colour is the circle?", answers.Keys);
    }
}
