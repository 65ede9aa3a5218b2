using System.Globalization;
using System.Text;
using Craton.Training.Configuration;
using FsCheck;
using FsCheck.Fluent;
using Xunit.Abstractions;

namespace Craton.Training.Tests.Configuration;

public sealed class RecipeTests(ITestOutputHelper output)
{
    private const string Full = """
        # A comment.
        recipe: pretrain
        name: tiny
        steps: 2k
        tokens: 1.5B
        width: 128
        tie_embeddings: false
        clip_norm: null
        optimizer:
          learning_rate: 6e-4
          schedule: wsd
        lora: { rank: 16 }
        data:
          - path: a.txt
          - path: "b: c.txt"
            weight: 0.5
        milestones: [10, 1_000]
        """;

    private static SampleRecipe Read(string yaml, params string[] overrides) => RecipeReader.Read<SampleRecipe>(yaml, "tiny.yaml", overrides);

    private static IReadOnlyList<string> Errors(string yaml, params string[] overrides) => Assert.Throws<RecipeException>(() => Read(yaml, overrides)).Errors;

    [Fact]
    public void Values_defaults_and_units()
    {
        SampleRecipe recipe = Read(Full);
        Assert.Equal("pretrain", RecipeReader.Kind(Full, "tiny.yaml"));
        Assert.Equal(("tiny", 2000, 1_500_000_000L, 128, 4), (recipe.Name, recipe.Steps, recipe.Tokens, recipe.Width, recipe.Heads));
        Assert.False(recipe.TieEmbeddings);
        Assert.Null(recipe.ClipNorm);
        Assert.Null(recipe.Base);
        Assert.Equal(new SampleOptimizer { LearningRate = 6e-4, Schedule = SampleSchedule.WSD }, recipe.Optimizer);
        Assert.Equal(16, recipe.Lora!.Rank);
        Assert.Equal(["q_proj", "v_proj"], recipe.Lora.Targets);
        Assert.Equal([new SampleSource { Path = "a.txt" }, new SampleSource { Path = "b: c.txt", Weight = 0.5 }], recipe.Data);
        Assert.Equal([10, 1000], recipe.Milestones);
    }

    [Fact]
    public void A_group_that_is_not_said_or_said_in_part_keeps_the_defaults_of_its_owner()
    {
        Assert.Equal(3e-4, Read("name: a").Optimizer.LearningRate);
        Assert.Equal(3e-4, Read("name: a\noptimizer: {beta1: 0.5}").Optimizer.LearningRate);
        Assert.Null(Read("name: a").Lora);
    }

    [Fact]
    public void Overrides_replace_add_and_remove()
    {
        SampleRecipe recipe = Read(Full, "optimizer.learning_rate=1e-5", "optimizer.beta1=0.8", "lora.rank=4", "milestones=[1, 2]", "clip_norm=0.5", "base=null", "name=other: name");
        Assert.Equal((1e-5, 0.8f, SampleSchedule.WSD), (recipe.Optimizer.LearningRate, recipe.Optimizer.Beta1, recipe.Optimizer.Schedule));
        Assert.Equal(4, recipe.Lora!.Rank);
        Assert.Equal([1, 2], recipe.Milestones);
        Assert.Equal(0.5, recipe.ClipNorm);
        Assert.Equal(4, Read("name: a", "lora.rank=4").Lora!.Rank);
        Assert.Equal("sft", RecipeReader.Kind(Full, "tiny.yaml", ["recipe=sft"]));
    }

    /// <summary>F13: all errors at once, each with its line.</summary>
    [Fact]
    public void All_errors_are_reported_at_once()
    {
        const string yaml = """
            recipe: pretrain
            stepz: 3
            steps: -5
            steps: 6
            tokens: 10.5
            width: 99999999999
            tie_embeddings: yes
            optimizer:
              learning_rate: .nan
              beta1: 1.5
              schedule: cosin
              weight_decay: "0.1"
            lora: 3
            data: [{weight: 0}]
            milestones: [1, x]
            """;
        Assert.Equal(
        [
            "line 4: steps: the key is already there on line 3; remove one of them",
            "line 2: stepz: there is no such key; did you mean 'steps'?",
            "line 3: steps: expected a whole number above 0, got '-5'",
            "line 5: tokens: expected a whole number above 0, got '10.5'",
            "line 6: width: expected a whole number above 0, got '99999999999'",
            "line 7: tie_embeddings: expected true or false, got 'yes'",
            "line 9: optimizer.learning_rate: expected a finite number above 0, got '.nan'",
            "line 10: optimizer.beta1: expected a finite number from 0 to 1, got '1.5'",
            "line 11: optimizer.schedule: expected one of constant, warmup_cosine, wsd, got 'cosin'",
            "line 12: optimizer.weight_decay: expected a finite number of 0 or above, got the text \"0.1\"; remove the quotes",
            "line 13: lora: expected a group of keys, got '3'",
            "line 14: data[0].weight: expected a finite number above 0, got '0'",
            "line 14: data[0].path: the key is missing; give a text",
            "line 15: milestones[1]: expected a whole number, got 'x'",
            "line 1: name: the key is missing; give a text",
        ], Errors(yaml));
    }

    [Fact]
    public void Overrides_have_the_same_errors()
    {
        Assert.Equal(["--set steps=-1: steps: expected a whole number above 0, got '-1'"], Errors("name: a", "steps=-1"));
        Assert.Equal(["--set optimizer.lr=1: optimizer.lr: there is no such key; the keys here are learning_rate, beta1, weight_decay, schedule"], Errors("name: a", "optimizer.lr=1"));
        Assert.Contains("expected name=value", Assert.Single(Errors("name: a", "steps")), StringComparison.Ordinal);
        Assert.Contains("not valid YAML", Assert.Single(Errors("name: a", "steps=[1")), StringComparison.Ordinal);
        Assert.Contains("got a list", Assert.Single(Errors("name: a\nmilestones: [1]", "name=[1]")), StringComparison.Ordinal);
    }

    [Fact]
    public void Values_that_contradict_each_other_are_reported() =>
        Assert.Equal(["line 1: width must be a multiple of heads, got 64 and 7"], Errors("name: a\nheads: 7"));

    [Theory]
    [InlineData("name: [", "YAML")]
    [InlineData("name: a\n\tsteps: 1", "YAML")]
    [InlineData("- a", "keys and values")]
    [InlineData("hello", "keys and values")]
    [InlineData("name: &x a\nbase: *x", "anchors")]
    [InlineData("name: !!python/object:os.system a", "tags")]
    [InlineData("name: a\n---\nname: b", "one document")]
    [InlineData("? [a]\n: b", "name as key")]
    public void What_is_no_recipe_is_refused(string yaml, string word) => Assert.Contains(word, Assert.Single(Errors(yaml)), StringComparison.Ordinal);

    [Fact]
    public void Deep_nesting_is_refused() =>
        Assert.Contains("deep", Assert.Single(Errors("name: " + new string('[', 5000) + new string(']', 5000))), StringComparison.Ordinal);

    [Fact]
    public void The_kind_is_required()
    {
        Assert.Contains("recipe: pretrain", Assert.Throws<RecipeException>(() => RecipeReader.Kind("name: a", "tiny.yaml")).Message, StringComparison.Ordinal);
        Assert.Contains("recipe: pretrain", Assert.Throws<RecipeException>(() => RecipeReader.Kind("", "tiny.yaml")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("500_000", 500_000)]
    [InlineData("2k", 2_000)]
    [InlineData("2K", 2_000)]
    [InlineData("30M", 30_000_000)]
    [InlineData("0.5B", 500_000_000)]
    [InlineData("1e3", 1_000)]
    [InlineData("-1", -1)]
    [InlineData("5_", null)]
    [InlineData("_5", null)]
    [InlineData("5__0", null)]
    [InlineData("1.5", null)]
    [InlineData("0.0001k", null)]
    [InlineData("k", null)]
    [InlineData("1 k", null)]
    [InlineData("1e99", null)]
    [InlineData("79228162514264337593543950335T", null)]
    [InlineData("0x10", null)]
    [InlineData("", null)]
    public void Counts(string text, int? expected) => Assert.Equal(expected, (int?)RecipeNumbers.Count(text));

    [Fact]
    public void The_resolved_recipe_is_written_with_all_values()
    {
        const string expected = """
            recipe: pretrain
            name: tiny
            steps: 2000
            tokens: 1500000000
            width: 128
            heads: 4
            tie_embeddings: false
            base: null
            clip_norm: null
            optimizer:
              learning_rate: 0.0006
              beta1: 0.9
              weight_decay: 0.1
              schedule: wsd
            lora:
              rank: 16
              targets: [q_proj, v_proj]
            data:
              - path: a.txt
                weight: 1
              - path: "b: c.txt"
                weight: 0.5
            milestones: [10, 1000]
            betas: [0.9, 0.95]

            """;
        string written = RecipeWriter.Write("pretrain", Read(Full));
        Assert.Equal(expected, written);
        Assert.Equal(written, RecipeWriter.Write("pretrain", Read(written)));
    }

    [Fact]
    public void Any_recipe_is_read_back_as_it_was()
    {
        Gen<string> text = ArbMap.Default.ArbFor<NonNull<string>>().Generator.Select(s => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(s.Get)));
        Gen<double> real = Gen.Choose(int.MinValue, int.MaxValue).Select(bits => BitConverter.Int64BitsToDouble((long)bits * 4294967291)).Where(v => double.IsFinite(v) && v > 0);
        Gen<SampleRecipe> recipes =
            from name in text
            from other in text
            from number in real
            from steps in Gen.Choose(1, int.MaxValue)
            from choice in Gen.Elements(Enum.GetValues<SampleSchedule>())
            from numbers in Gen.Choose(int.MinValue, int.MaxValue).ArrayOf()
            from count in Gen.Choose(0, 3)
            select new SampleRecipe
            {
                Name = name,
                Base = steps % 2 == 0 ? null : other,
                Steps = steps,
                Tokens = long.MaxValue / steps,
                ClipNorm = steps % 3 == 0 ? null : number,
                Optimizer = new SampleOptimizer { LearningRate = number, Beta1 = 1f / steps, Schedule = choice },
                Lora = steps % 5 < 2 ? null : new SampleLora { Targets = [name, other] },
                Milestones = numbers,
                Data = [.. Enumerable.Range(0, count).Select(i => new SampleSource { Path = other + i.ToString(CultureInfo.InvariantCulture), Weight = number })],
            };
        Prop.ForAll(Arb.From(recipes), recipe =>
        {
            string yaml = RecipeWriter.Write("pretrain", recipe);
            SampleRecipe back = Read(yaml);
            Assert.Equal(yaml, RecipeWriter.Write("pretrain", back));
            Assert.Equal((recipe.Name, recipe.Base, recipe.Steps, recipe.Tokens, recipe.ClipNorm, recipe.Optimizer), (back.Name, back.Base, back.Steps, back.Tokens, back.ClipNorm, back.Optimizer));
            Assert.Equal(recipe.Milestones, back.Milestones);
            Assert.Equal(recipe.Data, back.Data);
            Assert.Equal(recipe.Lora?.Targets, back.Lora?.Targets);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Mutations_give_a_recipe_or_the_typed_exception()
    {
        const int seed = 5, count = 20_000;
        var random = new Random(seed);
        const string alphabet = " \n\t:-[]{}#&*!|>'\"%@`,?.0e~_\\\u00e9\0\ud800";
        int refused = 0;
        for (int i = 0; i < count; i++)
        {
            var yaml = new StringBuilder(Full);
            for (int n = random.Next(1, 5); n > 0; n--)
            {
                int at = random.Next(yaml.Length);
                if (random.Next(3) == 0) yaml.Remove(at, Math.Min(random.Next(1, 12), yaml.Length - at));
                else if (random.Next(2) == 0) yaml.Insert(at, alphabet[random.Next(alphabet.Length)]);
                else yaml[at] = alphabet[random.Next(alphabet.Length)];
            }
            try
            {
                Read(yaml.ToString());
            }
            catch (RecipeException error)
            {
                Assert.NotEmpty(error.Errors);
                refused++;
            }
            catch (Exception error)
            {
                throw new InvalidOperationException($"seed {seed}, mutation {i}:\n{yaml}", error);
            }
        }
        output.WriteLine($"seed {seed}: {refused} of {count} refused");
        Assert.InRange(refused, 1, count - 1);
    }
}
