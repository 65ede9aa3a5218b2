using System.Text;

namespace Craton.Inference.Constraints.Automata;

/// <summary>A step of the automaton of a set of characters; state 0 is its beginning, state 1 its end.</summary>
internal readonly record struct Utf8Edge(int From, byte First, byte Last, int To);

/// <summary>
/// The UTF-8 spelling of a set of characters: byte sequences in which every byte has a range, as in Unicode Standard table 3-7,
/// arranged as a tree whose equal subtrees are one.
/// </summary>
internal sealed class Utf8Automaton
{
    private static readonly int[] LengthEnds = [0x7F, 0x7FF, 0xFFFF, 0x10FFFF];

    private readonly List<Utf8Edge> _edges = [];
    private readonly Dictionary<string, int> _subtrees = [];

    public Utf8Automaton(CodePoints set)
    {
        var sequences = new List<(byte First, byte Last)[]>();
        foreach ((int first, int last) in set.Ranges)
            Split(first, last, sequences);
        AddEdges(sequences, 0, 0);
    }

    /// <summary>Number of states.</summary>
    public int StateCount { get; private set; } = 2;

    public IReadOnlyList<Utf8Edge> Edges => _edges;

    private void AddEdges(List<(byte First, byte Last)[]> sequences, int depth, int state)
    {
        for (int i = 0; i < sequences.Count;)
        {
            (byte first, byte last) = sequences[i][depth];
            int end = i + 1;
            while (end < sequences.Count && sequences[end][depth] == (first, last))
                end++;
            int to = sequences[i].Length == depth + 1 ? 1 : Subtree(sequences[i..end], depth + 1);
            _edges.Add(new Utf8Edge(state, first, last, to));
            i = end;
        }
    }

    private int Subtree(List<(byte First, byte Last)[]> sequences, int depth)
    {
        // Behind the same byte all sequences have the same length.
        var key = new StringBuilder();
        foreach ((byte First, byte Last)[] sequence in sequences)
        {
            foreach ((byte first, byte last) in sequence.AsSpan(depth))
                key.Append((char)first).Append((char)last);
        }

        if (!_subtrees.TryGetValue(key.ToString(), out int state))
        {
            _subtrees.Add(key.ToString(), state = StateCount++);
            AddEdges(sequences, depth, state);
        }

        return state;
    }

    // Cuts a range where the length changes, then where a continuation byte would not run through all its values.
    private static void Split(int first, int last, List<(byte First, byte Last)[]> into)
    {
        if (Cut(first, last) is int cut)
        {
            Split(first, cut, into);
            Split(cut + 1, last, into);
        }
        else
        {
            into.Add([.. Encode(first).Zip(Encode(last))]);
        }
    }

    private static int? Cut(int first, int last)
    {
        foreach (int end in LengthEnds)
        {
            if (first <= end && end < last)
                return end;
        }

        for (int bits = 6; bits <= 18 && last > 0x7F; bits += 6)
        {
            int mask = (1 << bits) - 1;
            if ((first & ~mask) == (last & ~mask))
                continue;
            if ((first & mask) != 0)
                return first | mask;
            if ((last & mask) != mask)
                return (last & ~mask) - 1;
        }

        return null;
    }

    private static byte[] Encode(int value)
    {
        var bytes = new byte[4];
        return bytes[..new Rune(value).EncodeToUtf8(bytes)];
    }
}
