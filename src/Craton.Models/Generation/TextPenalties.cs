using System.Runtime.InteropServices;
using Craton.Tensors;

namespace Craton.Models.Generation;

/// <summary>What one text so far does to the scores of its next token: biases, penalties, forbidden repetitions, a length that is not yet reached.</summary>
internal sealed class TextPenalties
{
    private readonly SamplingOptions _options;
    private readonly int[] _ends;
    private readonly bool[] _occurred;
    private readonly int[] _generated;
    private readonly List<int> _text;
    private int _new;

    /// <summary>Begins a text.</summary>
    /// <param name="options">The penalties.</param>
    /// <param name="vocabulary">Number of token ids.</param>
    /// <param name="prompt">The tokens before the first choice.</param>
    /// <param name="ends">Ids that end the text.</param>
    public TextPenalties(SamplingOptions options, int vocabulary, IReadOnlyList<int> prompt, IEnumerable<int> ends)
    {
        options.Validate(vocabulary);
        foreach (int? forced in new[] { options.ForcedFirst, options.ForcedLast })
            if (forced < 0 || forced >= vocabulary) throw new CratonException($"forced token {forced} is outside the model's {vocabulary} ids; use the tokenizer that belongs to the model");
        (_options, _ends, _text) = (options, [.. ends.Where(id => id >= 0 && id < vocabulary)], [.. prompt]);
        _occurred = new bool[vocabulary];
        _generated = new int[vocabulary];
        foreach (int id in prompt) _occurred[id] = true;
    }

    private TextPenalties(TextPenalties other)
    {
        (_options, _ends, _new) = (other._options, other._ends, other._new);
        (_occurred, _generated, _text) = ([.. other._occurred], [.. other._generated], [.. other._text]);
    }

    /// <summary>The prompt and what was chosen.</summary>
    public IReadOnlyList<int> Text => _text;

    /// <summary>The same text, going on by itself.</summary>
    public TextPenalties Copy() => new(this);

    /// <summary>Counts a token that was chosen.</summary>
    public void Add(int token)
    {
        _occurred[token] = true;
        _generated[token]++;
        _new++;
        _text.Add(token);
    }

    /// <summary>Changes the scores [V] of the next token.</summary>
    public void Apply(Span<float> scores)
    {
        ReadOnlySpan<int> text = CollectionsMarshal.AsSpan(_text);
        for (int i = 0; i < _options.Biases.Count; i++) LogitProcessors.Bias(scores, text, _options.Biases[i]);
        if (_options.RepetitionPenalty != 1) LogitProcessors.RepetitionPenalty(scores, _occurred, _options.RepetitionPenalty);
        if (_options.FrequencyPenalty != 0 || _options.PresencePenalty != 0)
            LogitProcessors.FrequencyPresence(scores, _generated, _options.FrequencyPenalty, _options.PresencePenalty);
        if (_options.NoRepeatNgram > 0) LogitProcessors.NoRepeat(scores, text, _options.NoRepeatNgram);
        if (_new < _options.MinTokens || _text.Count < _options.MinLength)
            foreach (int end in _ends) scores[end] = float.NegativeInfinity;
        if (_new == 0 && _options.ForcedFirst is { } first) LogitProcessors.Only(scores, first);
        if (_new == _options.MaxTokens - 1 && _options.ForcedLast is { } last) LogitProcessors.Only(scores, last);
    }
}
