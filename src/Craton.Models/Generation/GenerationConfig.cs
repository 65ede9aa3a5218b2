using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Tensors;

namespace Craton.Models.Generation;

/// <summary>What a model says about its own use: <c>generation_config.json</c>.</summary>
/// <param name="Sampling">How tokens are chosen unless the caller says otherwise.</param>
/// <param name="Ends">Every id that ends a text or a turn.</param>
public sealed record GenerationConfig(SamplingOptions Sampling, IReadOnlyList<int> Ends)
{
    internal const string FileName = "generation_config.json";

    private const int MostBiases = 1 << 16;

    /// <summary>Reads the file; a folder without one gives the defaults.</summary>
    /// <exception cref="CratonException">It is damaged, or a value is out of range.</exception>
    public static GenerationConfig Load(string directory)
    {
        string file = Path.Combine(directory, FileName);
        if (!File.Exists(file)) return new GenerationConfig(new SamplingOptions(), []);
        JsonElement root = JsonFile.Read(file);
        var defaults = new SamplingOptions();
        bool greedy = root.TryGetProperty("do_sample", out JsonElement sample) && sample.ValueKind == JsonValueKind.False;
        var sampling = new SamplingOptions
        {
            Temperature = greedy ? 0 : Number("temperature", defaults.Temperature),
            TopK = (int)Number("top_k", defaults.TopK),
            TopP = Number("top_p", defaults.TopP),
            MinP = Number("min_p", defaults.MinP),
            TypicalP = Number("typical_p", defaults.TypicalP),
            EpsilonCutoff = Number("epsilon_cutoff", defaults.EpsilonCutoff),
            EtaCutoff = Number("eta_cutoff", defaults.EtaCutoff),
            RepetitionPenalty = Number("repetition_penalty", defaults.RepetitionPenalty),
            NoRepeatNgram = (int)Number("no_repeat_ngram_size", defaults.NoRepeatNgram),
            MinTokens = (int)Number("min_new_tokens", defaults.MinTokens),
            MinLength = (int)Number("min_length", defaults.MinLength),
            Biases = Biases(),
            ForcedFirst = Forced("forced_bos_token_id"),
            ForcedLast = Forced("forced_eos_token_id"),
            MaxTokens = (int)Number("max_new_tokens", defaults.MaxTokens),
        };
        try
        {
            sampling.Validate();
        }
        catch (CratonException e)
        {
            throw new CratonException($"{file}: {e.Message}", e);
        }
        return new GenerationConfig(sampling, Ids("eos_token_id"));

        double Number(string name, double otherwise) =>
            !root.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null ? otherwise
            : value.ValueKind == JsonValueKind.Number && value.GetDouble() is var number && Math.Abs(number) <= int.MaxValue ? number
            : throw new CratonException($"{file}: {name}: expected a number, got {value.GetRawText()}");

        int[] Ids(string name) => !root.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null ? [] : IdsOf(name, value);

        int? Forced(string name) => Ids(name) is [var id, ..] ? id : null;

        int[] IdsOf(string name, JsonElement value) => value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(item => Id(name, item))] : [Id(name, value)];

        int Id(string name, JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int id) && id >= 0
            ? id
            : throw new CratonException($"{file}: {name}: expected an id or a list of ids, got {value.GetRawText()}");

        // bad_words_ids: lists of ids; suppress_tokens: ids; sequence_bias: pairs of ids and a number.
        SequenceBias[] Biases() =>
        [
            .. SequenceBias.Forbid(Lists("bad_words_ids").Select(ids => IdsOf("bad_words_ids", ids)), Ids("eos_token_id")),
            .. Ids("suppress_tokens").Select(id => new SequenceBias([id], double.NegativeInfinity)),
            .. Lists("sequence_bias").Select(pair => pair.ValueKind == JsonValueKind.Array && pair.GetArrayLength() == 2 && pair[1].ValueKind == JsonValueKind.Number
                ? new SequenceBias(IdsOf("sequence_bias", pair[0]), pair[1].GetDouble())
                : throw new CratonException($"{file}: sequence_bias: expected pairs of ids and a number, got {pair.GetRawText()}")),
        ];

        IEnumerable<JsonElement> Lists(string name) =>
            !root.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null ? []
            : value.ValueKind == JsonValueKind.Array && value.GetArrayLength() <= MostBiases ? value.EnumerateArray()
            : throw new CratonException($"{file}: {name}: expected a list of at most {MostBiases}, got {value.ValueKind}");
    }

    // What the model brought along, with the end of a turn among the ends.
    internal static JsonObject ToJson(CausalLanguageModel model, int? endOfTurn)
    {
        DecoderConfig config = model.Config;
        if (model.Source?.Generation is { } brought && (endOfTurn is null || IdsIn(brought["eos_token_id"]).Contains(endOfTurn.Value))) return (JsonObject)brought.DeepClone();
        var ends = new JsonArray();
        foreach (int id in new[] { config.EosTokenId, endOfTurn }.OfType<int>().Distinct()) ends.Add((JsonNode)id);
        JsonObject json = model.Source?.Generation is { } own ? (JsonObject)own.DeepClone() : new JsonObject
        {
            ["bos_token_id"] = config.BosTokenId,
            ["eos_token_id"] = null,
            ["pad_token_id"] = config.PadTokenId,
            ["do_sample"] = true,
        };
        json["eos_token_id"] = ends.Count > 1 ? ends : config.EosTokenId ?? endOfTurn;
        return json;
    }

    /// <summary>The ids of a value that is an id or a list of them; others are left out.</summary>
    internal static IEnumerable<int> IdsIn(JsonNode? ids) => ids is JsonArray list ? list.SelectMany(IdsIn) : ids is JsonValue value && value.TryGetValue(out int id) && id >= 0 ? [id] : [];
}
