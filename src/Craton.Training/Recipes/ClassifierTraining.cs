using System.Text.Json.Nodes;
using Craton.Data;
using Craton.Data.Images;
using Craton.Models.Pictures;
using Craton.Tensors;
using Craton.Training.Configuration;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>Pictures of classes: CIFAR's binary files, or a folder with a subfolder of PNG files for each class.</summary>
public sealed record ClassDataSettings : RecipePart
{
    /// <summary>What is learnt: files of CIFAR-10, or one folder; paths, or <c>set:NAME/FILE</c> of the data catalogue.</summary>
    public required IReadOnlyList<string> Train { get; init; }

    /// <summary>What is measured by, likewise.</summary>
    public required IReadOnlyList<string> Test { get; init; }

    /// <summary>A text file with the name of a class a line, for CIFAR's files; numbers without it.</summary>
    public string? Classes { get; init; }

    /// <summary>Rows and columns that pictures of folders are resized to; without it all must have the size of the first.</summary>
    [Range(1, 4096)]
    public int? Side { get; init; }

    internal (ImageSet Train, ImageSet Test) Read()
    {
        string[]? names = Classes is null ? null : [.. File.ReadLines(SourceReader.Resolve(Classes)).Select(line => line.Trim()).Where(line => line.Length > 0)];
        ImageSet train = Read(Train, names);
        ImageSet test = Read(Test, train.Classes.Count > 0 ? train.Classes : null);
        if (train.Labels.Length == 0) throw new CratonException("data.train: expected a subfolder for each class, got pictures without classes");
        if (train.Width != train.Height || (test.Width, test.Height) != (train.Width, train.Height))
            throw new CratonException($"data: expected square pictures of one size, got {train.Width}×{train.Height} to learn from and {test.Width}×{test.Height} to measure by; data.side resizes those of folders");
        return (train, test);
    }

    private ImageSet Read(IReadOnlyList<string> sources, IReadOnlyList<string>? classes)
    {
        string[] paths = [.. sources.Select(SourceReader.Resolve)];
        return paths is [var folder] && Directory.Exists(folder)
            ? ImageFolder.Read(folder, new ImageFolderOptions { Classes = classes, Size = Side is { } side ? (side, side) : null })
            : CifarReader.Read(paths, CifarKind.Cifar10, classes);
    }
}

/// <summary>A classifier of pictures, from nothing or on top of what another model sees.</summary>
public sealed record ClassifierRecipe : PictureRecipe
{
    /// <summary>Changes the defaults where this kind wants others.</summary>
    public ClassifierRecipe() => Name = "classifier";

    /// <summary>The pictures.</summary>
    public required ClassDataSettings Data { get; init; }

    /// <summary>
    /// Directory of a model of the recipes <c>clip</c> or <c>classifier</c>, whose encoder is taken as it is, with its settings: only the last layer
    /// is trained (a linear probe). Without it all is trained.
    /// </summary>
    public string? Base { get; init; }
}

/// <summary>Trains a classifier of pictures.</summary>
public static class ClassifierTraining
{
    private const int TestBatch = 250;

    /// <summary>Runs the recipe.</summary>
    public static RunResult Run(ClassifierRecipe recipe, RunOptions options) => PictureRun.Run("classifier", recipe, options, () => Prepare(recipe));

    private static PictureTask Prepare(ClassifierRecipe recipe)
    {
        (ImageSet train, ImageSet test) = recipe.Data.Read();
        var given = GivenEncoder.Of(recipe.Base);
        IEnumerable<string> labels = train.Classes.Count > 0 ? train.Classes : Enumerable.Range(0, train.Labels.Max() + 1).Select(label => $"{label}");
        var model = PictureModels.Create<PictureClassifier>(
            new JsonObject
            {
                ["model_type"] = "craton_classifier",
                ["architectures"] = new JsonArray("PictureClassifier"),
                ["image"] = given?.Settings ?? recipe.Image.ToConfig(train.Width),
                ["id2label"] = PictureRun.Labels(labels),
            },
            (ulong)recipe.Seed);
        given?.CopyTo(model.Encoder, train.Width);
        if (given is not null)
            foreach ((_, Tensor weight) in model.Encoder.NamedParameters()) weight.Freeze();
        PictureAugmentation? augmentation = recipe.Augmentation.ToAugmentation();
        Origin origin = given?.Origin(train.Fingerprint) ?? new(train.Fingerprint);
        return new PictureTask(model, train.Width, new RowLoader(train.Count, (ulong)recipe.Seed, train.Fingerprint), origin, Loss, () => [new("accuracy", Accuracy(model, test))]);

        Tensor Loss(int[] rows, LearningPass learning)
        {
            Tensor pixels = PictureAugmentation.Pixels(train, rows, augmentation, learning.Random);
            Tensor features = model.Encoder.Pooled(pixels, learns: given is null);
            return Ops.CrossEntropy(model.Scores(features, learning), Tensor.From(Array.ConvertAll(rows, row => train.Labels[row]), rows.Length));
        }
    }

    private static double Accuracy(PictureClassifier model, ImageSet test)
    {
        int right = 0;
        foreach (int[] batch in PictureRun.Batches(test.Count, TestBatch))
            using (TensorScope.Open("test"))
            {
                int[] labels = Ops.Cast(Ops.ArgMax(model.Logits(PictureAugmentation.Pixels(test, batch))), DType.I32).ToArray<int>();
                right += batch.Where((picture, i) => test.Labels[picture] == labels[i]).Count();
            }
        return (double)right / test.Count;
    }
}
