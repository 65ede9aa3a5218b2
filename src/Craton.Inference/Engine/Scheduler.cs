using System.Runtime.CompilerServices;
using Craton.Models;
using Craton.Models.Adapters;

namespace Craton.Inference.Engine;

/// <summary>A part of a step: a sequence and how many of its next tokens are read.</summary>
internal readonly record struct StepPart(Sequence Sequence, int Count);

/// <summary>
/// Decides what each step reads. Answers in progress go first, a token each, or a few with a guess; what room is left goes to prompts, the
/// oldest first, which are so read in pieces. When pages run out, the latest sequence gives its pages back and waits, to be read again later.
/// Pure bookkeeping: it never touches a tensor.
/// </summary>
internal sealed class Scheduler(CausalLanguageModel model, EngineOptions options, PagePool pages)
{
    private readonly List<Sequence> _running = []; // in the order in which they were admitted
    private readonly LinkedList<Sequence> _waiting = new();
    private readonly List<StepPart> _plan = [];

    private readonly ConditionalWeakTable<PeftAdapter, StrongBox<int>> _adapters = [];

    private int _lastAdapter;
    private long _steps, _read, _cached, _guessed, _preemptions;

    public bool HasWork => _running.Count + _waiting.Count > 0;

    public void Add(Sequence sequence) => _waiting.AddLast(sequence);

    /// <summary>What the next step reads. The list is the scheduler's and changes with the next call.</summary>
    public List<StepPart> Plan()
    {
        _plan.Clear();
        int room = options.MaxStepTokens - _running.Count(s => !s.IsReading);
        for (int i = 0; i < _running.Count; i++)
        {
            if (_running[i].IsReading) continue;
            room -= PlanAnswer(_running[i], room);
        }
        foreach (Sequence sequence in _running)
            if (sequence.IsReading) room -= PlanPiece(sequence, room);
        while (room > 0 && _running.Count < options.MaxBatch && _waiting.First is { } first && TryAdmit(first.Value))
        {
            _waiting.RemoveFirst();
            if (first.Value.IsFinished) continue; // it could not even begin
            _running.Add(first.Value);
            room -= PlanPiece(first.Value, room);
        }
        return _plan;
    }

    /// <summary>Counts what a step has read, names pages that are full, and lets go of what has ended.</summary>
    public void Settle()
    {
        _steps++;
        foreach ((Sequence sequence, int count) in _plan)
        {
            _read += count;
            _guessed += sequence.Guess.Length;
            sequence.Computed = Math.Min(sequence.Computed + count, sequence.Places.Length - 1);
            sequence.Guess = [];
            NamePages(sequence);
        }
        for (int i = _running.Count - 1; i >= 0; i--)
        {
            Sequence sequence = _running[i];
            if (sequence.IsFinished) Remove(i);
            else if (EpochOf(sequence) != sequence.Epoch) PutBack(i); // its positions turn otherwise now
        }
    }

    public EngineStatistics Count() => new()
    {
        Running = _running.Count,
        Waiting = _waiting.Count,
        Pages = pages.Count,
        PagesInUse = pages.Count - pages.Free,
        Steps = _steps,
        ReadTokens = _read,
        CachedTokens = _cached,
        GuessedTokens = _guessed,
        Preemptions = _preemptions,
    };

    /// <summary>Removes the sequences of which it is true, and tells of each.</summary>
    public void RemoveWhere(Func<Sequence, bool> gone, Action<Sequence> removed)
    {
        for (int i = _running.Count - 1; i >= 0; i--)
        {
            if (!gone(_running[i])) continue;
            removed(_running[i]);
            Remove(i);
        }
        for (LinkedListNode<Sequence>? node = _waiting.First, next; node is not null; node = next)
        {
            next = node.Next;
            if (!gone(node.Value)) continue;
            removed(node.Value);
            _waiting.Remove(node);
        }
    }

    // A token of an answer and the guess behind it. Gives the number of guessed tokens.
    private int PlanAnswer(Sequence sequence, int room)
    {
        sequence.Guess = Guess(sequence, Math.Min(room, options.DraftTokens));
        if (!TryTakePages(sequence, sequence.Places.Length + sequence.Guess.Length)) sequence.Guess = [];
        while (!TryTakePages(sequence, sequence.Places.Length))
        {
            bool itself = _running[^1] == sequence;
            _preemptions++;
            PutBack(_running.Count - 1);
            if (itself) return 0;
        }
        _plan.Add(new StepPart(sequence, 1 + sequence.Guess.Length));
        return sequence.Guess.Length;
    }

    private int[] Guess(Sequence sequence, int most)
    {
        most = Math.Min(most, sequence.TokensToGuess);
        if (most <= 0 || sequence.Draft is null || EpochOf(sequence, most) != sequence.Epoch) return [];
        int[] guess = new int[most];
        int count = sequence.Draft.Propose(sequence.Tokens, guess);
        int valid = guess.AsSpan(0, count).IndexOfAnyExceptInRange(0, model.Config.VocabSize - 1);
        return guess[..(valid < 0 ? count : valid)];
    }

    // A prompt that the model always computes with is counted by the model.
    private int EpochOf(Sequence sequence, int more = 0) => model.Epoch(sequence.Places.Length + more - (model.Prompt?.Count ?? 0));

    private int PlanPiece(Sequence sequence, int room)
    {
        int count = Math.Min(room, sequence.Places.Length - sequence.Computed);
        if (count > 0) _plan.Add(new StepPart(sequence, count));
        return count;
    }

    // Takes pages for all tokens; what others have read already is not read again. One free page for each of the others is left. True also when
    // the sequence failed.
    private bool TryAdmit(Sequence sequence)
    {
        if (!sequence.TryBegin(options)) return true;
        sequence.Epoch = EpochOf(sequence);
        sequence.Names.Add(PagePool.Root(sequence.Salt, NumberOf(sequence.Adapter), sequence.Epoch));
        FindPages(sequence);
        int needed = Page.Count(sequence.Places.Length, options.PageSize) - sequence.PageCount;
        if (pages.Free < needed + _running.Count)
        {
            ReleasePages(sequence);
            return false;
        }
        if (sequence.Cached is null)
        {
            sequence.Cached = sequence.Computed;
            _cached += sequence.Computed;
        }
        return TryTakePages(sequence, sequence.Places.Length);
    }

    // No adapter is 0. A number is never given twice: pages that an adapter has filled are no other's.
    private int NumberOf(PeftAdapter? adapter) => adapter is null ? 0 : _adapters.GetValue(adapter, _ => new StrongBox<int>(++_lastAdapter)).Value;

    private void FindPages(Sequence sequence)
    {
        if (!options.ReusePrefixes || sequence.ScoresPrompt) return;
        ReadOnlySpan<int> tokens = sequence.Places;
        // At least one token is read: its scores are needed.
        for (int end = options.PageSize; end < tokens.Length; end += options.PageSize)
        {
            UInt128 name = PagePool.NameOf(sequence.Names[^1], tokens[(end - options.PageSize)..end]);
            if (!pages.TryFind(name, out int page)) return;
            sequence.Names.Add(name);
            sequence.Pages[sequence.PageCount++] = page;
            sequence.Computed = end;
        }
    }

    private bool TryTakePages(Sequence sequence, int tokens)
    {
        int count = Page.Count(tokens, options.PageSize);
        if (count - sequence.PageCount > pages.Free) return false;
        while (sequence.PageCount < count)
        {
            pages.TryTake(out int page);
            sequence.Pages[sequence.PageCount++] = page;
        }
        return true;
    }

    private void NamePages(Sequence sequence)
    {
        if (!options.ReusePrefixes) return;
        int size = options.PageSize;
        for (int page = sequence.Names.Count - 1; (page + 1) * size <= sequence.Computed; page++)
        {
            UInt128 name = PagePool.NameOf(sequence.Names[^1], sequence.Places.Slice(page * size, size));
            sequence.Names.Add(name);
            pages.SetName(sequence.Pages[page], name);
        }
    }

    private void Remove(int index)
    {
        ReleasePages(_running[index]);
        _running.RemoveAt(index);
    }

    private void PutBack(int index)
    {
        _waiting.AddFirst(_running[index]);
        Remove(index);
    }

    // The last page goes first, so that what many texts begin with stays longest.
    private void ReleasePages(Sequence sequence)
    {
        while (sequence.PageCount > 0) pages.Release(sequence.Pages[--sequence.PageCount]);
        sequence.Names.Clear();
        (sequence.Computed, sequence.Guess) = (0, []);
    }
}

/// <summary>Arithmetic of pages.</summary>
internal static class Page
{
    /// <summary>Pages that so many tokens need.</summary>
    public static int Count(int tokens, int size) => (tokens + size - 1) / size;
}
