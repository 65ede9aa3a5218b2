using System.Runtime.InteropServices;
using Craton.Models;
using Craton.Nn;
using Craton.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Craton.Inference;

/// <summary>Guesses by a smaller model of the same tokenizer, which takes its best token each time.</summary>
public sealed class DraftModel : Drafter
{
    private readonly CausalLanguageModel _model;

    /// <summary>Takes the smaller model.</summary>
    /// <param name="draft">The smaller model.</param>
    /// <param name="target">The model whose texts are guessed.</param>
    /// <exception cref="CratonException">The two have different tokens.</exception>
    public DraftModel(TextModel draft, TextModel target)
    {
        if (draft.Tokenizer.VocabularySize != target.Tokenizer.VocabularySize)
            throw new CratonException($"the draft model has {draft.Tokenizer.VocabularySize} tokens, the model {target.Tokenizer.VocabularySize}; expected two models of one tokenizer");
        _model = draft.Model;
    }

    internal override IDraft Begin(int longest) => new Text(_model, longest);

    private sealed class Text(CausalLanguageModel model, int longest) : IDraft
    {
        private readonly KvCache _cache = model.NewCache(capacity: longest);
        private readonly List<int> _read = [];

        public int Propose(ReadOnlySpan<int> text, Span<int> guess)
        {
            int most = Math.Min(guess.Length, _cache.Capacity - text.Length);
            Keep(text);
            for (int i = 0; i < most; i++) guess[i] = Best(i == 0 ? text[_read.Count..] : guess.Slice(i - 1, 1));
            return Math.Max(0, most);
        }

        // What was read of the last guess and came otherwise is forgotten.
        private void Keep(ReadOnlySpan<int> text)
        {
            int shared = Math.Min(CollectionsMarshal.AsSpan(_read).CommonPrefixLength(text), text.Length - 1);
            _read.RemoveRange(shared, _read.Count - shared);
            _cache.Trim(shared);
        }

        private int Best(ReadOnlySpan<int> ids)
        {
            using var scope = TensorScope.Open("draft");
            Tensor hidden = model.Hidden(Tensor.From(ids, 1, ids.Length), cache: _cache);
            _read.AddRange(ids);
            ReadOnlySpan<float> logits = model.Logits(hidden.Slice(1, ids.Length - 1)).AsSpan<float>();
            return TensorPrimitives.IndexOfMax(logits);
        }
    }
}
