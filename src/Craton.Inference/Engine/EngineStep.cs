using System.Runtime.InteropServices;
using Craton.Models;
using Craton.Models.Adapters;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.Threading;

namespace Craton.Inference.Engine;

/// <summary>
/// Carries out a step: one pass of the model over the planned tokens of all sequences, and what follows from the scores. The sequences of each
/// adapter take a pass of their own, in which it is attached.
/// </summary>
internal sealed class EngineStep(CausalLanguageModel model, PagedCache cache)
{
    private const int MostScores = 64; // rows of scores that are in memory at once

    private readonly List<int> _ids = [];
    private readonly List<(int Row, Sequence Sequence, int Place)> _wanted = [];
    private readonly List<int> _firsts = []; // of the wanted scores in hand, the first of each sequence

    public void Run(List<StepPart> plan)
    {
        for (int i = 0; i < plan.Count; i++)
        {
            PeftAdapter? adapter = plan[i].Sequence.Adapter;
            if (plan.FindIndex(part => part.Sequence.Adapter == adapter) < i) continue; // read with an earlier one
            adapter?.Attach();
            try
            {
                Pass(plan.FindAll(part => part.Sequence.Adapter == adapter));
            }
            finally
            {
                adapter?.Detach();
            }
        }
    }

    private void Pass(List<StepPart> plan)
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
            lengths[i] = sequence.Places.Length;
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
            _firsts.Clear();
            for (int i = 0; i < wanted.Length; i++)
            {
                rows.AsSpan<int>()[i] = wanted[i].Row;
                if (i == 0 || wanted[i].Sequence != wanted[i - 1].Sequence) _firsts.Add(i);
            }
            var job = new Choices(_firsts, wanted.ToArray(), model.Logits(Ops.IndexSelect(hidden, 0, rows)));
            WorkerPool.Run(ref job, _firsts.Count);
        }
    }

    /// <summary>A task gives one sequence its scores, in the order of their places.</summary>
    private readonly struct Choices(List<int> firsts, (int Row, Sequence Sequence, int Place)[] wanted, Tensor scores) : IJob
    {
        public void Run(int task, int worker)
        {
            int end = task + 1 < firsts.Count ? firsts[task + 1] : wanted.Length, vocabulary = scores.Size(-1);
            for (int i = firsts[task]; i < end; i++)
            {
                (_, Sequence sequence, int place) = wanted[i];
                try
                {
                    sequence.Take(place, scores.AsSpan<float>().Slice(i * vocabulary, vocabulary));
                }
                catch (Exception e) // scores that are no numbers, a constraint that fails: one request's affair
                {
                    sequence.Fail(e);
                }
            }
        }
    }
}
