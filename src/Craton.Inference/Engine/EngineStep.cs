using System.Runtime.InteropServices;
using Craton.Models;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Inference;

/// <summary>Carries out a step: one pass of the model over the planned tokens of all sequences, and what follows from the scores.</summary>
internal sealed class EngineStep(CausalLanguageModel model, PagedCache cache)
{
    private const int MostScores = 64; // rows of scores that are in memory at once

    private readonly List<int> _ids = [];
    private readonly List<(int Row, Sequence Sequence, int Place)> _wanted = [];

    public void Run(List<StepPart> plan)
    {
        using (TensorScope.Open("step"))
        {
            Tensor hidden = model.Hidden(Collect(plan, out PagedBatch batch), batch);
            Tensor rows = hidden.View(-1, hidden.Size(-1));
            for (int at = 0; at < _wanted.Count; at += MostScores) TakeScores(rows, CollectionsMarshal.AsSpan(_wanted)[at..Math.Min(_wanted.Count, at + MostScores)]);
        }
    }

    private Tensor Collect(List<StepPart> plan, out PagedBatch batch)
    {
        _ids.Clear();
        _wanted.Clear();
        var texts = new PagedText[plan.Count];
        int[] lengths = new int[plan.Count];
        for (int i = 0; i < plan.Count; i++)
        {
            (Sequence sequence, int count) = plan[i];
            texts[i] = new PagedText(_ids.Count, count, sequence.Computed, sequence.Pages);
            lengths[i] = sequence.Tokens.Length;
            for (int place = sequence.Computed; place < sequence.Computed + count; place++)
            {
                if (sequence.WantsScores(place)) _wanted.Add((_ids.Count, sequence, place));
                _ids.Add(sequence.TokenAt(place));
            }
        }
        batch = new PagedBatch(cache, texts, lengths);
        return Tensor.From<int>(CollectionsMarshal.AsSpan(_ids), 1, _ids.Count);
    }

    private void TakeScores(Tensor hidden, ReadOnlySpan<(int Row, Sequence Sequence, int Place)> wanted)
    {
        using (TensorScope.Open("scores"))
        {
            Tensor rows = Tensor.Empty(DType.I32, wanted.Length);
            for (int i = 0; i < wanted.Length; i++) rows.AsSpan<int>()[i] = wanted[i].Row;
            ReadOnlySpan<float> scores = model.Logits(Ops.IndexSelect(hidden, 0, rows)).AsSpan<float>();
            int vocabulary = scores.Length / wanted.Length;
            for (int i = 0; i < wanted.Length; i++)
            {
                (_, Sequence sequence, int place) = wanted[i];
                try
                {
                    sequence.Take(place, scores.Slice(i * vocabulary, vocabulary));
                }
                catch (Exception e) // scores that are no numbers, a constraint that fails: one request's affair
                {
                    sequence.Fail(e);
                }
            }
        }
    }
}
