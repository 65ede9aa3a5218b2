using System.CommandLine;
using System.Text.Json.Nodes;
using Craton.Data.Images;
using Craton.Models.Vision;
using Craton.Tensors;

namespace Craton.Cli.Verbs;

/// <summary><c>craton search-images -m MODEL FOLDER QUERY</c>: the pictures of a folder that are nearest to a text.</summary>
internal sealed class SearchImagesVerb : Verb
{
    private readonly Option<string> _model = new("--model", "-m") { Description = "A directory of CLIP or SigLIP", Required = true };
    private readonly Option<int> _most = new("--most") { Description = "Most pictures to show", DefaultValueFactory = _ => 10 };
    private readonly Argument<string> _folder = new("folder") { Description = $"A folder, searched with those in it for {PictureFile.Kinds} files" };
    private readonly Argument<string> _query = new("query") { Description = "What the pictures should show" };

    public override Command Build()
    {
        var command = new Command("search-images", "Find the pictures of a folder that are nearest to a text") { _model, _most, _folder, _query };
        OnRun(command, Run);
        return command;
    }

    private int Run(ParseResult parsed, Output output)
    {
        string directory = parsed.GetValue(_model)!, folder = parsed.GetValue(_folder)!;
        int most = parsed.GetValue(_most);
        if (most < 1) throw new CratonException($"--most: expected at least 1, got {most}");
        if (!Directory.Exists(folder)) throw new CratonException($"'{folder}': expected a folder with {PictureFile.Kinds} files, got none");
        ImageTextReader reader = ImageTextReader.Open(directory);
        using var scope = TensorScope.Open("query");
        Tensor query = reader.Texts([parsed.GetValue(_query)!]);
        IReadOnlyList<(string Path, double Cosine)> found = PictureSources.Each(folder, output, path => CosineOf(reader, query, path));
        (string Path, double Cosine)[] best = [.. found.OrderByDescending(hit => hit.Cosine).Take(most)];
        foreach ((string path, double cosine) in best)
        {
            output.Show(PictureFile.Read(path));
            output.Line($"{cosine:f3}  {path}");
        }
        output.Result(new JsonObject { ["images"] = new JsonArray([.. best.Select(hit => new JsonObject { ["image"] = hit.Path, ["cosine"] = Output.Number(hit.Cosine) })]) });
        return 0;
    }

    private static double CosineOf(ImageTextReader reader, Tensor query, string path)
    {
        using var scope = TensorScope.Open("image");
        return Ops.CosineSimilarity(reader.Image(path), query).ToArray<float>()[0];
    }
}
