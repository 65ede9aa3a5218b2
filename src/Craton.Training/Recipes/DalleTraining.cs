using Craton.Data;
using Craton.Data.Images;
using Craton.Data.Images.Scenes;
using Craton.Models;
using Craton.Models.Generative;
using Craton.Models.Vision;
using Craton.Tokenizers;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>Trains a <see cref="Dalle"/>: every row is a new scene with its caption.</summary>
public static class DalleTraining
{
    private const int TokenizerScenes = 2000, ShownOfAKind = 32, Columns = 16;

    // What the first picture is worth, not the best: of all captions, and of those with one thing, two, and several.
    private static readonly string[] s_unranked = [.. SceneJudge.Names.Take(4).Select(name => $"{name}_unranked")];

    /// <summary>Runs the recipe: the auto-encoder's training, in <c>vq-vae</c> within the run's folder, then the transformer's.</summary>
    public static RunResult Run(DalleRecipe recipe, RunOptions options)
    {
        var folder = new RunFolder("dalle", recipe.Name, recipe, options);
        VqVae pictures;
        if (recipe.Base is { } directory) pictures = VqVaeDirectory.Load(directory);
        else if (VqVaeTraining.Run(recipe.VqVae.Recipe(recipe.Seed), options with { Runs = folder.Folder }, out pictures) is { Outcome.Stopped: true } stopped) return stopped;
        Dalle model = Create(recipe, pictures);
        options.Listener.OnMessage($"{recipe.Name}: {model.Decoder.ParameterCount:N0} parameters, {recipe.Train.Steps:N0} steps of {recipe.Train.Batch:N0} scenes");
        (TrainingOutcome, IReadOnlyList<Metric>) end = MeasuredTraining.Run(Task(recipe, model, folder.Folder), recipe.Name, recipe.Train, folder.Folder, options);
        string data = new SceneLoader((ulong)recipe.Seed).State.Fingerprint;
        return ImageRun.Finish(
            folder, "dalle", recipe.Name, data, end, model, (path, card) => DalleDirectory.Save(path, model, card with { BaseModel = recipe.Base }), [.. SceneJudge.Names, .. s_unranked]);
    }

    /// <summary>The model with its first weights: a word of captions is a token, and the codes follow behind the words.</summary>
    private static Dalle Create(DalleRecipe recipe, VqVae pictures)
    {
        if (pictures.Config.Channels != 3) throw new CratonException($"base: expected an auto-encoder of 3 channels, got {pictures.Config.Channels}; train one with the recipe vq-vae");
        DalleSettings settings = recipe.Model;
        var scenes = new SceneLoader((ulong)recipe.Seed);
        PipelineTokenizer tokenizer = VocabularyTrainer.TrainWordLevel(Enumerable.Range(0, TokenizerScenes).Select(_ => scenes.Next().Caption.ToString()), new()
        {
            VocabularySize = int.MaxValue,
            SpecialTokens = [Dalle.TextToken, Dalle.EndToken, Dalle.PictureToken],
            PreTokenizer = """{"type":"WhitespaceSplit"}""",
        });
        int side = Scene.Side / VqVae.Patch;
        var decoder = new GptConfig
        {
            VocabSize = tokenizer.VocabularySize + pictures.Config.Codes,
            HiddenSize = settings.Width,
            IntermediateSize = (settings.Width * 8 / 3 + 31) / 32 * 32,
            NumHiddenLayers = settings.Depth,
            NumAttentionHeads = settings.Heads,
            NumKeyValueHeads = settings.Heads,
            HeadDim = settings.Width / settings.Heads,
            MaxPositionEmbeddings = settings.CaptionTokens + 1 + side * side,
            QkNorm = true,
        };
        var config = new DalleConfig(decoder, settings.CaptionTokens, side, pictures.Config.Levels, tokenizer.VocabularySize, tokenizer.IdOf(Dalle.EndToken)!.Value, tokenizer.IdOf(Dalle.PictureToken)!.Value);
        return new Dalle(pictures, new DalleDecoder(config).Initialize((ulong)recipe.Seed), tokenizer, recipe.Judge.Drawing);
    }

    private static MeasuredTask Task(DalleRecipe recipe, Dalle model, string runFolder)
    {
        ulong seed = (ulong)recipe.Seed;
        DalleDecoder decoder = model.Decoder;
        var scenes = new SceneLoader(seed);
        var judge = new SceneJudge(recipe.Judge.Captions, seed);
        ImageTextReader? clip = recipe.Judge.Clip is { } directory ? ImageTextReader.Open(directory) : null;
        var update = new ModelUpdate(decoder, recipe.Optimizer, recipe.Schedule, recipe.Train.Steps);
        int read = (int)(recipe.Train.Batch * recipe.Model.ReadShare);
        double picture = 0, caption = 0;
        return new MeasuredTask([update.Part], scenes, Step, step => Measure(recipe, model, judge, clip, runFolder, step))
        {
            Details = () => read == 0 ? [new("picture_loss", picture)] : [new("picture_loss", picture), new("caption_loss", caption)],
        };

        StepResult Step(long step)
        {
            update.ClearGradients();
            using var scope = TensorScope.Open("step");
            (int[][] captions, int[][] codes) = Next(model, scenes, recipe.Train.Batch);
            using Tape tape = Tape.Start();
            Tensor sum = Mean(decoder, captions[read..], codes[read..], DalleOrder.CaptionFirst);
            picture = sum.Item();
            if (read > 0)
            {
                Tensor reading = Mean(decoder, captions[..read], codes[..read], DalleOrder.PictureFirst);
                caption = reading.Item();
                sum += reading;
            }
            tape.Backward(sum);
            return update.Apply(picture + caption, 1, step);
        }
    }

    // In nats per token or place.
    private static Tensor Mean(DalleDecoder decoder, int[][] captions, int[][] codes, DalleOrder order)
    {
        (Tensor loss, int targets) = decoder.Loss(decoder.Rows(captions, codes, order), order);
        return loss * (1.0 / targets);
    }

    private static (int[][] Captions, int[][] Codes) Next(Dalle model, SceneLoader scenes, int count)
    {
        using var scope = TensorScope.Open("scenes");
        SceneBatch batch = SceneBatch.Next(scenes, count);
        long[] codes = model.Pictures.Encode(batch.Images).ToArray<long>();
        return ([.. batch.Captions.Select(caption => model.Encode(caption.ToString()))], [.. codes.Chunk(codes.Length / count).Select(all => Array.ConvertAll(all, code => (int)code))]);
    }

    private static IReadOnlyList<Metric> Measure(DalleRecipe recipe, Dalle model, SceneJudge judge, ImageTextReader? clip, string runFolder, long step)
    {
        var first = new List<JudgedScene>();
        IReadOnlyList<JudgedScene> judged = judge.Judge(captions => [.. captions.Select((caption, i) =>
        {
            IReadOnlyList<Drawing> drawings = model.Draw(caption.ToString(), (ulong)(recipe.Seed + i), model.Drawing, clip);
            Drawing unranked = drawings.Single(d => d.Sample == 0);
            first.Add(new JudgedScene(caption, unranked.Picture, SceneChecker.Check(unranked.Picture, caption)));
            return drawings[0].Picture;
        })]);
        JudgedLog.Write(runFolder, step, judged);
        foreach (IGrouping<string, JudgedScene> kind in judged.GroupBy(SceneJudge.KindOf))
            PictureLog.Add(runFolder, kind.Key, step, PictureGrid.Of([.. kind.Take(ShownOfAKind).Select(scene => scene.Picture)], Columns));
        return [.. SceneJudge.Measures(judged), .. s_unranked.Zip(SceneJudge.Measures(first), (name, measure) => new Metric(name, measure.Value))];
    }
}
