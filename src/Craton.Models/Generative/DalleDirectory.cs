using System.Text.Json.Nodes;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>A <see cref="Dalle"/> on disk.</summary>
public static class DalleDirectory
{
    private const string Type = "craton_dalle";

    /// <summary>Whether a directory holds such a model.</summary>
    /// <exception cref="CratonException">Its configuration is damaged.</exception>
    public static bool Holds(string directory) => GenerativeDirectory.TypeOf(directory) == Type;

    /// <summary>Writes a model; the directory appears complete or not at all.</summary>
    public static void Save(string directory, Dalle model, ModelCard card)
    {
        JsonObject config = model.Decoder.Config.ToJson();
        config["vq_vae"] = model.Pictures.Config.ToJson();
        config["drawing"] = new JsonObject
        {
            ["samples"] = model.Drawing.Samples,
            ["ranking"] = model.Drawing.Ranking == DalleRanking.Caption ? "caption" : "picture",
            ["temperature"] = model.Drawing.Temperature,
            ["top_k"] = model.Drawing.TopK,
        };
        GenerativeDirectory.Save(directory, Type, config, model, card, model.Tokenizer);
    }

    /// <summary>Reads a model.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, of another kind, or the weights do not fit the configuration.</exception>
    public static Dalle Load(string directory) => GenerativeDirectory.Load(directory, Type, "dalle", read => new Dalle(
        new VqVae(new VqVaeConfig(Part(read, "vq_vae"))), new DalleDecoder(new DalleConfig(read)), ModelDirectory.LoadTokenizer(directory), Drawing(Part(read, "drawing"))));

    private static ConfigReader Part(ConfigReader read, string name) => read.Object(name) ?? throw new CratonException($"{read.File}: {name}: expected an object, got nothing");

    private static DalleDrawing Drawing(ConfigReader read)
    {
        int samples = read.Int("samples"), topK = read.IntOr(0, "top_k");
        if (samples is < 1 or > DalleDrawing.MostSamples) throw new CratonException($"{read.File}: samples: expected 1 to {DalleDrawing.MostSamples}, got {samples}");
        if (topK < 0) throw new CratonException($"{read.File}: top_k: expected 0 or more, got {topK}");
        DalleRanking ranking = read.TextOr("caption", "ranking") switch
        {
            "caption" => DalleRanking.Caption,
            "picture" => DalleRanking.Picture,
            var other => throw new CratonException($"{read.File}: ranking is '{other}', expected caption or picture"),
        };
        return new(samples, ranking, read.Number("temperature", 1), topK);
    }
}
