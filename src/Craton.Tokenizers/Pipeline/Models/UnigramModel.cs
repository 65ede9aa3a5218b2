using System.Text;
using System.Text.Json;

namespace Craton.Tokenizers.Pipeline;

/// <summary>The most probable tokens under a unigram language model (Kudo 2018).</summary>
internal sealed class UnigramModel : TokenModel
{
    private const double UnknownPenalty = 10;

    private readonly double[] _scores;
    private readonly int? _unknown;
    private readonly bool _byteFallback;
    private readonly Viterbi _viterbi;

    /// <summary>Creates the model.</summary>
    /// <param name="tokens">The tokens by id.</param>
    /// <param name="scores">Their log probabilities.</param>
    /// <param name="unknown">The id for characters without a token.</param>
    /// <param name="byteFallback">Use tokens such as <c>&lt;0x0A&gt;</c> for them instead, where all that are needed exist.</param>
    public UnigramModel(string[] tokens, double[] scores, int? unknown, bool byteFallback) : base(tokens)
    {
        (_scores, _unknown, _byteFallback) = (scores, unknown, byteFallback);
        var trie = new CodeTrie();
        for (int id = 0; id < tokens.Length; id++)
        {
            if (tokens[id].Length > 0)
                trie.Add(tokens[id], id);
        }

        _viterbi = new Viterbi(trie, scores, unknown, scores.DefaultIfEmpty().Min() - UnknownPenalty);
    }

    public override string Type => "Unigram";

    public override void Encode(ReadOnlySpan<AlignedChar> word, List<ModelToken> result)
    {
        var tokens = new List<ModelToken>();
        _viterbi.Encode(word, tokens, joinsUnknown: true);
        foreach (ModelToken token in tokens)
        {
            if (token.Id == _unknown)
                AddUnknown(word, token, result);
            else
                result.Add(token);
        }
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteString("type", Type);
        if (_unknown is int unknown)
            json.WriteNumber("unk_id", unknown);
        else
            json.WriteNull("unk_id");
        json.WriteStartArray("vocab");
        for (int id = 0; id < Tokens.Length; id++)
        {
            json.WriteStartArray();
            json.WriteStringValue(Tokens[id]);
            json.WriteNumberValue(_scores[id]);
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteBoolean("byte_fallback", _byteFallback);
    }

    /// <summary>Characters that together spell a token after all are that token; others fall back to their bytes.</summary>
    private void AddUnknown(ReadOnlySpan<AlignedChar> word, ModelToken token, List<ModelToken> result)
    {
        string text = AlignedText.TextOf(word[token.Start..token.End]);
        int?[] bytes = _byteFallback ? [.. Encoding.UTF8.GetBytes(text).Select(value => IdOf($"<0x{value:X2}>"))] : [null];
        if (IdOf(text) is int id)
            result.Add(token with { Id = id });
        else if (bytes.Contains(null))
            result.Add(token);
        else
            result.AddRange(bytes.Select(value => new ModelToken(value!.Value, token.Start, token.End)));
    }
}
