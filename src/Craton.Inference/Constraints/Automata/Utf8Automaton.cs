namespace Craton.Inference.Constraints.Automata;

/// <summary>
/// The UTF-8 spelling of a set of characters: byte sequences in which every byte has a range, as in Unicode Standard table 3-7,
/// arranged as a tree whose equal subtrees are one.
/// </summary>
internal static class Utf8Automaton
{
    private static readonly int[] LengthEnds = [0x7F, 0x7FF, 0xFFFF, 0x10FFFF];

    /// <summary>Adds edges and states to <paramref name="nfa"/> so that each character of the set leads from one state to the other.</summary>
    public static void Add(NfaBuilder nfa, CodePoints set, int from, int to)
    {
        var sequences = new List<(byte First, byte Last)[]>();
        foreach ((int first, int last) in set.Ranges)
            Split(first, last, sequences);
        var shared = new Dictionary<string, int>();
        AddEdges(sequences, 0, from);

        void AddEdges(List<(byte First, byte Last)[]> group, int depth, int state)
        {
            foreach (List<(byte First, byte Last)[]> same in Groups(group, depth))
            {
                (byte first, byte last) = same[0][depth];
                nfa.AddBytes(state, first, last, same[0].Length == depth + 1 ? to : Subtree(same, depth + 1));
            }
        }

        int Subtree(List<(byte First, byte Last)[]> group, int depth)
        {
            string key = string.Join(';', group.Select(s => string.Join(',', s[depth..])));
            if (!shared.TryGetValue(key, out int state))
            {
                shared.Add(key, state = nfa.AddState());
                AddEdges(group, depth, state);
            }

            return state;
        }
    }

    private static IEnumerable<List<(byte First, byte Last)[]>> Groups(List<(byte First, byte Last)[]> sequences, int depth)
    {
        for (int i = 0; i < sequences.Count;)
        {
            int end = i + 1;
            while (end < sequences.Count && sequences[end][depth] == sequences[i][depth])
                end++;
            yield return sequences[i..end];
            i = end;
        }
    }

    // Cuts a range where the length changes, then where a continuation byte would not run through all its values.
    private static void Split(int first, int last, List<(byte First, byte Last)[]> into)
    {
        foreach (int end in LengthEnds)
        {
            if (first <= end && end < last)
            {
                Split(first, end, into);
                Split(end + 1, last, into);
                return;
            }
        }

        if (last > 0x7F)
        {
            for (int bits = 6; bits <= 18; bits += 6)
            {
                int mask = (1 << bits) - 1;
                if ((first & ~mask) == (last & ~mask))
                    continue;
                int cut = (first & mask) != 0 ? first | mask : (last & mask) != mask ? (last & ~mask) - 1 : last;
                if (cut == last)
                    continue;
                Split(first, cut, into);
                Split(cut + 1, last, into);
                return;
            }
        }

        byte[] low = Encode(first), high = Encode(last);
        into.Add([.. low.Zip(high)]);
    }

    private static byte[] Encode(int value)
    {
        var bytes = new byte[4];
        return bytes[..new System.Text.Rune(value).EncodeToUtf8(bytes)];
    }
}
