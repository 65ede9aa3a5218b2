using Craton.Data.Images;
using Craton.Data.Images.Scenes;
using Craton.Tensors;

namespace Craton.Data.Tests.Images;

/// <summary>Generated clips and their captions.</summary>
public sealed class SceneClipTests
{
    private const int Count = 2000;
    private static readonly SceneClipGenerator s_clips = new(7);

    [Fact]
    public void What_happens_is_what_the_caption_says_and_the_relation_holds_in_every_frame()
    {
        var seen = new HashSet<SceneMotion>();
        for (int i = 0; i < Count; i++)
        {
            SceneClip clip = s_clips[i];
            SceneClipCaption caption = clip.Caption;
            SceneObject[] first = [.. clip.Frames.Select(frame => frame.Objects[0])];
            seen.Add(caption.Motion);
            Assert.Equal(SceneClip.UsualFrames, first.Length);
            Assert.Equal(caption.Scene.Thing, first[0].Thing);
            Assert.Equal(caption.Motion, Happened(first));
            Assert.Equal(caption.Becomes ?? caption.Scene.Thing.Colour, first[^1].Thing.Colour);
            Assert.All(clip.Frames.SelectMany(frame => frame.Objects), thing =>
            {
                var box = new SceneBox(thing.Thing, thing.Radius);
                Assert.True(thing.X > box.Left && thing.X + box.Right < Scene.Side && thing.Y > box.Top && thing.Y + box.Bottom < Scene.Side, $"{thing}");
            });
            if (caption.Scene.Other is null) continue;
            Assert.All(clip.Frames, frame =>
            {
                (SceneObject a, SceneObject b) = (frame.Objects[0], frame.Objects[1]);
                Assert.Equal(caption.Scene.Relation, a.RelationTo(b));
                Assert.True(Math.Sqrt(Square(a.X - b.X) + Square(a.Y - b.Y)) > a.Radius + b.Radius);
            });
        }
        Assert.Equal(Enum.GetValues<SceneMotion>().Length, seen.Count);

        static double Square(double x) => x * x;
    }

    [Fact]
    public void The_checker_reads_the_first_frame_and_clips_depend_on_their_number_alone()
    {
        var again = new SceneClipGenerator(7);
        int right = Enumerable.Range(0, Count).Count(i => SceneChecker.Check(SceneRenderer.Render(s_clips[i].Frames[0]), s_clips[i].Caption.Scene).Holds);
        Assert.True(right >= 0.995 * Count, $"{right} of {Count}");
        Assert.Equal(s_clips[Count].Frames.SelectMany(frame => frame.Objects), again[Count].Frames.SelectMany(frame => frame.Objects));
        Assert.NotEqual(s_clips[0].Caption, s_clips[1].Caption);
        Assert.Equal(3, new SceneClipGenerator(7, 3)[0].Frames.Count);
        Assert.Contains("2 to 64 frames, got 1", Assert.Throws<CratonException>(() => new SceneClipGenerator(7, 1)).Message);
    }

    [Fact]
    public void Captions_are_read_as_they_are_written()
    {
        for (int i = 0; i < Count; i++) Assert.Equal(s_clips[i].Caption, SceneClipCaption.Parse(s_clips[i].Caption.ToString()));
        var caption = SceneClipCaption.Parse("a small red circle moves left below a large blue square on a black background");
        Assert.Equal((SceneMotion.Left, SceneRelation.Below), (caption.Motion, caption.Scene.Relation));
        Assert.Equal(SceneColour.Cyan, SceneClipCaption.Parse("a small red circle turns cyan on a black background").Becomes);
        Assert.Contains("got 'jumps on'", Refused("a small red circle jumps on a black background"));
        Assert.Contains("got 'on a'", Refused("a small red circle on a black background"));
        Assert.Contains("got 'two'", Refused("two small red circles moves left on a black background"));
        Assert.Contains("'moves left'", Refused(""));
        Assert.Contains("at most 200", Refused(new string('a', 201)));
    }

    [Fact]
    public void A_hundred_thousand_mutations_of_captions_are_read_or_refused_with_a_sentence()
    {
        string[] captions = [.. Enumerable.Range(0, 100).Select(i => s_clips[i].Caption.ToString())];
        string[] words = [.. captions.SelectMany(caption => caption.Split(' ')).Distinct(), "", " ", "\u00e9", "two"];
        var random = new Random(20261126);
        int refused = 0;
        for (int i = 0; i < 100_000; i++)
        {
            var sentence = captions[i % captions.Length].Split(' ').ToList();
            for (int n = random.Next(1, 4); n > 0 && sentence.Count > 0; n--)
            {
                int at = random.Next(sentence.Count);
                if (random.Next(3) == 0) sentence.RemoveAt(at);
                else if (random.Next(2) == 0) sentence.Insert(at, words[random.Next(words.Length)]);
                else sentence[at] = words[random.Next(words.Length)];
            }
            try
            {
                var read = SceneClipCaption.Parse(string.Join(' ', sentence));
                Assert.Equal(read, SceneClipCaption.Parse(read.ToString()));
            }
            catch (SceneCaptionException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 10_000, 99_999);
    }

    [Fact]
    public void The_thing_that_moves_must_be_the_one_that_is_named_first()
    {
        var truth = SceneClipCaption.Parse("a small red circle moves left below a large blue square on a black background");
        Assert.Empty(Wrong(truth, truth));
        Assert.Equal(["motion"], Wrong(truth, truth with { Motion = SceneMotion.Right }));
        Assert.Contains("colour", Wrong(truth, SceneClipCaption.Parse("a large blue square moves left above a small red circle on a black background")));
        Assert.Equal(10, Wrong(truth, null).Length);
        SceneClipCaption stays = truth with { Motion = SceneMotion.Stays };
        Assert.Empty(Wrong(stays, SceneClipCaption.Parse("a large blue square stays above a small red circle on a black background")));
        var turns = SceneClipCaption.Parse("a small red circle turns cyan on a black background");
        Assert.Equal(["motion"], Wrong(turns, turns with { Becomes = SceneColour.Blue }));

        static string[] Wrong(SceneClipCaption truth, SceneClipCaption? said) => [.. SceneClipCaption.Compare(truth, said).Where(part => !part.Holds).Select(part => part.Name)];
    }

    // What changes from the first frame to the last.
    private static SceneMotion Happened(SceneObject[] frames)
    {
        (SceneObject start, SceneObject end) = (frames[0], frames[^1]);
        (double dx, double dy) = (end.X - start.X, end.Y - start.Y);
        if (start.Thing.Colour != end.Thing.Colour) return SceneMotion.Turns;
        if (end.Radius != start.Radius) return end.Radius > start.Radius ? SceneMotion.Grows : SceneMotion.Shrinks;
        if (dx == 0 && dy == 0) return SceneMotion.Stays;
        return Math.Abs(dx) > Math.Abs(dy) ? dx < 0 ? SceneMotion.Left : SceneMotion.Right : dy < 0 ? SceneMotion.Up : SceneMotion.Down;
    }

    private static string Refused(string sentence) => Assert.Throws<SceneCaptionException>(() => SceneClipCaption.Parse(sentence)).Message;
}
