using Craton.Inference.Constraints.Automata;

namespace Craton.Inference.Constraints;

/// <summary>
/// A grammar for the tokens of one model. It keeps the masks of states it has met, is safe to use from many threads, and gives every
/// text a <see cref="TokenConstraint"/> of its own.
/// </summary>
public sealed class TokenGrammar
{
    private const long MostBytesKept = 64 << 20;

    private readonly LocalMask?[] _masks;
    private long _bytesKept;

    internal TokenGrammar(LinkedAutomaton automaton, ConstraintVocabulary vocabulary)
    {
        Automaton = automaton;
        Vocabulary = vocabulary;
        _masks = new LocalMask?[automaton.StateCount];
    }

    /// <summary>The tokens.</summary>
    public ConstraintVocabulary Vocabulary { get; }

    internal LinkedAutomaton Automaton { get; }

    internal int MaskWords => (Vocabulary.Size + 31) / 32;

    /// <summary>Begins a text.</summary>
    public TokenConstraint Start() => new(this);

    /// <summary>The tokens that may follow a state, whatever lies below it.</summary>
    /// <param name="state">The state.</param>
    /// <param name="matcher">A matcher that is used for this alone.</param>
    internal LocalMask MaskOf(int state, Matcher matcher)
    {
        if (Volatile.Read(ref _masks[state]) is { } known)
            return known;
        var tokens = new uint[MaskWords];
        var exits = new List<int>();
        Walk(matcher, [0], matcher.At(state, matcher.Bottom), tokens, exits);
        var mask = new LocalMask(tokens, [.. exits], matcher.DeepestCheck);
        // Two threads may compute the same mask; what is kept is bounded, and beyond the bound a mask is computed again.
        if (Interlocked.Add(ref _bytesKept, 4L * (tokens.Length + exits.Count)) <= MostBytesKept)
            Volatile.Write(ref _masks[state], mask);
        return mask;
    }

    /// <summary>
    /// Sets the bits of the tokens below nodes of the tree that keep the stacks alive; notes where the bottom of the stack is reached,
    /// when asked to.
    /// </summary>
    internal void Walk(Matcher matcher, ReadOnlySpan<int> nodes, StackSet stacks, Span<uint> tokens, List<int>? exits)
    {
        var path = new StackSet[Vocabulary.Trie.Deepest + 1];
        foreach (int node in nodes)
        {
            path[Vocabulary.Trie.Depth(node)] = stacks;
            WalkBelow(matcher, node, path, tokens, exits);
        }
    }

    private void WalkBelow(Matcher matcher, int node, StackSet[] path, Span<uint> tokens, List<int>? exits)
    {
        TokenTrie trie = Vocabulary.Trie;
        int end = trie.End(node);
        for (int i = node + 1; i < end;)
        {
            int depth = trie.Depth(i);
            StackSet next = matcher.Step(path[depth - 1], trie.Byte(i));
            if (next.IsDead)
            {
                i = trie.End(i);
                continue;
            }

            path[depth] = next;
            foreach (int token in trie.Tokens(i))
                tokens[token >> 5] |= 1u << token;
            bool leaf = trie.End(i) == i + 1;
            if (next.HasEmpty && !leaf)
                exits?.Add(i);
            i = next.Frames.Length == 0 ? trie.End(i) : i + 1;
        }
    }
}
