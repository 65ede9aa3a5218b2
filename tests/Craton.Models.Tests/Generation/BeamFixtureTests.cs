using System.Text.Json;
using Craton.Models.Generation;
using Xunit.Abstractions;

namespace Craton.Models.Tests.Generation;

/// <summary>Searches by beams against those of the Transformers library.</summary>
[Trait("Category", "Golden")]
public sealed class BeamFixtureTests(ITestOutputHelper output)
{
    [Fact]
    public void SequencesAndScores()
    {
        var tally = new Tally(output);
        foreach (JsonElement area in Fixtures.Cases("decoders", "beam-search"))
        {
            JsonElement root = Fixtures.Json(Path.Combine(Fixtures.Folder("decoders"), area.Text("id") + ".json"));
            CausalLanguageModel model = ModelDirectory.LoadModel(Path.Combine(Fixtures.Folder("decoders"), root.Text("model")));
            double tolerance = root.GetProperty("tolerance").Number("scores_atol");
            int number = 0;
            foreach (JsonElement item in root.GetProperty("cases").EnumerateArray())
            {
                tally.Case();
                string id = $"{area.Text("id")} {number++}";
                IReadOnlyList<Beam> beams = Search(model, item);
                tally.Same(id + " number of sequences", [item.GetProperty("sequences").GetArrayLength()], [beams.Count]);
                foreach ((JsonElement expected, Beam beam) in item.GetProperty("sequences").EnumerateArray().Zip(beams)) tally.Same(id, expected.Ints(), beam.Tokens);
                foreach ((JsonElement expected, Beam beam) in item.GetProperty("scores").EnumerateArray().Zip(beams))
                    tally.Close(id + " score", [expected.GetSingle()], [(float)beam.Score], tolerance);
            }
        }
        tally.Finish("beam search");
    }

    private static IReadOnlyList<Beam> Search(CausalLanguageModel model, JsonElement item)
    {
        JsonElement stopping = item.GetProperty("early_stopping");
        var beams = new BeamOptions
        {
            Beams = item.GetProperty("num_beams").GetInt32(),
            LengthPenalty = item.Number("length_penalty"),
            EarlyStopping = stopping.ValueKind == JsonValueKind.True ? EarlyStopping.Yes : stopping.ValueKind == JsonValueKind.False ? EarlyStopping.No : EarlyStopping.Never,
            Returned = item.TryGetProperty("num_return_sequences", out JsonElement returned) ? returned.GetInt32() : 0,
        };
        int[] ends = item.GetProperty("eos_token_id") is { ValueKind: JsonValueKind.Number } end ? [end.GetInt32()] : [];
        return new BeamSearch(model).Run(item.GetProperty("prompt").Ints(), new SamplingOptions { MaxTokens = item.GetProperty("max_new_tokens").GetInt32() }, beams, ends);
    }
}
