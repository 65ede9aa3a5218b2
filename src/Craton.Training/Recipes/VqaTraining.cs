using System.Text.Json.Nodes;
using Craton.Data;
using Craton.Data.Images;
using Craton.Models.Pictures;
using Craton.Tensors;
using Craton.Training.Configuration;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>Questions about pictures: paths, or <c>set:NAME/FILE</c> of the data catalogue.</summary>
public sealed record QuestionDataSettings : RecipePart
{
    /// <summary>Questions to learn from: JSON <c>[question, answer, picture]</c> beside an archive or a folder, or JSON lines of pictures with questions.</summary>
    public required string TrainQuestions { get; init; }

    /// <summary>ZIP archive or folder of their pictures <c>ID.png</c>; none for JSON lines.</summary>
    public string? TrainImages { get; init; }

    /// <summary>Questions to measure by.</summary>
    public required string TestQuestions { get; init; }

    /// <summary>ZIP archive or folder of their pictures <c>ID.png</c>; none for JSON lines.</summary>
    public string? TestImages { get; init; }
}

/// <summary>A model that answers questions about pictures.</summary>
public sealed record VqaRecipe : PictureRecipe
{
    /// <summary>Changes the defaults where this kind wants others.</summary>
    public VqaRecipe() => Name = "vqa";

    /// <summary>The questions.</summary>
    public required QuestionDataSettings Data { get; init; }

    /// <summary>Width of the vectors of pictures and questions.</summary>
    [Range(1, 4096)]
    public int Width { get; init; } = 128;

    /// <summary>Width of the vectors of words.</summary>
    [Range(1, 4096)]
    public int Embedding { get; init; } = 32;
}

/// <summary>Trains a model to answer questions about pictures.</summary>
public static class VqaTraining
{
    private const int TestBatch = 250;

    /// <summary>Runs the recipe.</summary>
    public static RunResult Run(VqaRecipe recipe, RunOptions options) => PictureRun.Run("vqa", recipe, options, () => Prepare(recipe));

    private static PictureTask Prepare(VqaRecipe recipe)
    {
        PictureQuestions train = Read(recipe.Data.TrainQuestions, recipe.Data.TrainImages), test = Read(recipe.Data.TestQuestions, recipe.Data.TestImages);
        int side = train.Images.Width;
        if (train.Images.Height != side || test.Images.Width != side || test.Images.Height != side)
            throw new CratonException($"data: expected square pictures of one size, got {train.Images.Width}×{train.Images.Height} to learn from and {test.Images.Width}×{test.Images.Height} to measure by");
        WordVocabulary words = WordVocabulary.Learn(train.Questions.Select(q => q.Question));
        string[] answers = [.. train.Questions.Select(q => q.Answer).Distinct().Order(StringComparer.Ordinal)];
        var model = PictureModels.Create<PictureAnswerer>(
            new JsonObject
            {
                ["model_type"] = "craton_vqa",
                ["architectures"] = new JsonArray("PictureAnswerer"),
                ["image"] = recipe.Image.ToConfig(side),
                ["width"] = recipe.Width,
                ["embedding"] = recipe.Embedding,
                ["words"] = words.Count,
                ["id2label"] = PictureRun.Labels(answers),
            },
            (ulong)recipe.Seed);
        (int[][] ids, int[] labels) = Encoded(train, words, answers);
        (int[][] testIds, int[] testLabels) = Encoded(test, words, answers);
        PictureAugmentation? augmentation = recipe.Augmentation.ToAugmentation();
        return new PictureTask(model, side, new RowLoader(ids.Length, (ulong)recipe.Seed, train.Images.Fingerprint), new Origin(train.Images.Fingerprint), Loss, Measure)
        {
            Words = words,
            Unit = "questions",
        };

        Tensor Loss(int[] rows, LearningPass learning)
        {
            Tensor pixels = PictureAugmentation.Pixels(train.Images, Array.ConvertAll(rows, row => train.Questions[row].Picture), augmentation, learning.Random);
            (Tensor questions, Tensor lengths, _) = WordVocabulary.Rows(Array.ConvertAll(rows, row => ids[row]));
            Tensor scores = model.Scores(model.Images(pixels, learns: true), questions, lengths);
            return Ops.CrossEntropy(scores, Tensor.From(Array.ConvertAll(rows, row => labels[row]), rows.Length));
        }

        IReadOnlyList<Metric> Measure() => [new("accuracy", Accuracy(model, test, testIds, testLabels))];
    }

    private static PictureQuestions Read(string questions, string? images) =>
        PictureQuestions.Read(SourceReader.Resolve(questions), images is null ? null : SourceReader.Resolve(images));

    private static (int[][] Ids, int[] Labels) Encoded(PictureQuestions questions, WordVocabulary words, string[] answers)
    {
        int[] labels = [.. questions.Questions.Select(q => Array.BinarySearch(answers, q.Answer, StringComparer.Ordinal))];
        int unknown = Array.FindIndex(labels, label => label < 0);
        if (unknown >= 0) throw new CratonException($"data.test_questions: the answer '{questions.Questions[unknown].Answer}' to question {unknown + 1} is not among those to learn from ({string.Join(", ", answers.Take(20))})");
        return ([.. questions.Questions.Select(q => words.Ids(q.Question))], labels);
    }

    private static double Accuracy(PictureAnswerer model, PictureQuestions test, int[][] ids, int[] labels)
    {
        using var scope = TensorScope.Open("test");
        Tensor images = Ops.Concat(0, [.. PictureRun.Batches(test.Images.Count, TestBatch).Select(batch => Images(model, test, batch))]);
        int right = 0;
        foreach (int[] batch in PictureRun.Batches(ids.Length, TestBatch))
            using (TensorScope.Open("questions"))
            {
                (Tensor questions, Tensor lengths, _) = WordVocabulary.Rows(Array.ConvertAll(batch, i => ids[i]));
                Tensor pictures = Ops.IndexSelect(images, 0, Tensor.From(Array.ConvertAll(batch, i => test.Questions[i].Picture), batch.Length));
                int[] answers = Ops.Cast(Ops.ArgMax(model.Scores(pictures, questions, lengths)), DType.I32).ToArray<int>();
                right += batch.Where((question, i) => labels[question] == answers[i]).Count();
            }
        return (double)right / ids.Length;
    }

    private static Tensor Images(PictureAnswerer model, PictureQuestions test, int[] batch)
    {
        using var scope = TensorScope.Open("images");
        return scope.Keep(model.Images(PictureAugmentation.Pixels(test.Images, batch)));
    }
}
