using Craton.Tokenizers.Pipeline;

namespace Craton.Tokenizers.Training;

/// <summary>All ways to make a word of pieces.</summary>
/// <param name="pieces">The pieces.</param>
/// <param name="unknownScore">The score of a character that is no piece.</param>
internal sealed class UnigramLattice(List<UnigramPiece> pieces, double unknownScore)
{
    private const int Unknown = -1;

    // Sums are made in parts that depend on the words alone, and these are added in order.
    private const int WordsAtOnce = 4096;

    private readonly CodeTrie _trie = Build(pieces);

    /// <summary>How often each piece is to be expected: forward and backward sums over all ways.</summary>
    public double[] Expect(int[][] words, long[] counts) => InParts(words.Length, (word, expected) =>
    {
        List<Node> nodes = Nodes(words[word]);
        int length = words[word].Length;
        double[] before = Filled(length + 1), behind = Filled(length + 1);
        before[0] = behind[length] = 0;
        foreach (Node node in nodes)
            before[node.End] = TrainingMath.LogSumExp(before[node.End], before[node.Start] + node.Score);
        foreach (Node node in Enumerable.Reverse(nodes))
            behind[node.Start] = TrainingMath.LogSumExp(behind[node.Start], node.Score + behind[node.End]);
        foreach (Node node in nodes.Where(n => n.Id != Unknown))
            expected[node.Id] += counts[word] * TrainingMath.Exp(before[node.Start] + node.Score + behind[node.End] - before[length]);
    });

    /// <summary>How often each piece is in the best ways of the words.</summary>
    public double[] CountBest(int[][] words, long[] counts) => InParts(words.Length, (word, sums) =>
    {
        foreach (Node node in Best(words[word], ways: 1)[0].Where(n => n.Id != Unknown))
            sums[node.Id] += counts[word];
    });

    /// <summary>
    /// Whether a piece must stay, since it can be made in one way only or is its own best one; then also the pieces of the second
    /// best way.
    /// </summary>
    public (bool Keeps, int[] Alternatives) Alternatives(int[] piece)
    {
        List<List<Node>> ways = Best(piece, ways: 2);
        if (ways.Count == 1)
            return (true, []);
        return ways[0].Count > 1 ? (false, []) : (true, [.. ways[1].Select(n => n.Id).Where(id => id != Unknown)]);
    }

    private static CodeTrie Build(List<UnigramPiece> pieces)
    {
        var trie = new CodeTrie();
        for (int id = 0; id < pieces.Count; id++)
            trie.Add(pieces[id].Text, id);
        return trie;
    }

    private static double[] Filled(int length)
    {
        var values = new double[length];
        Array.Fill(values, double.NegativeInfinity);
        return values;
    }

    private double[] InParts(int words, Action<int, double[]> add)
    {
        int parts = (words + WordsAtOnce - 1) / WordsAtOnce;
        var sums = new double[parts][];
        Parallel.For(0, parts, part =>
        {
            sums[part] = new double[pieces.Count];
            for (int word = part * WordsAtOnce; word < Math.Min(words, (part + 1) * WordsAtOnce); word++)
                add(word, sums[part]);
        });
        var total = new double[pieces.Count];
        foreach (double[] sum in sums)
        {
            for (int i = 0; i < total.Length; i++)
                total[i] += sum[i];
        }

        return total;
    }

    /// <summary>The pieces that match, by where they begin and how long they are.</summary>
    private List<Node> Nodes(int[] word)
    {
        var nodes = new List<Node>();
        for (int start = 0; start < word.Length; start++)
        {
            bool hasCharacter = false;
            for (int end = start, node = 0; end < word.Length; end++)
            {
                node = _trie.Step(node, word[end]);
                if (node < 0)
                    break;
                if (_trie.Value(node) is int id && id != CodeTrie.None)
                {
                    nodes.Add(new Node(start, end + 1, id, pieces[id].Score));
                    hasCharacter |= end == start;
                }
            }

            if (!hasCharacter)
                nodes.Add(new Node(start, start + 1, Unknown, unknownScore));
        }

        return nodes;
    }

    /// <summary>The best ways of a word, the best first.</summary>
    private List<List<Node>> Best(int[] word, int ways)
    {
        // Per place the best ways to it: the score, the last piece, and which of the ways to its start it goes on from.
        var best = new List<(double Score, Node Last, int Way)>[word.Length + 1];
        for (int i = 0; i <= word.Length; i++)
            best[i] = [];
        best[0].Add((0, default, 0));
        foreach (Node node in Nodes(word))
        {
            for (int way = 0; way < best[node.Start].Count; way++)
            {
                double score = best[node.Start][way].Score + node.Score;
                List<(double Score, Node Last, int Way)> at = best[node.End];
                int place = at.Count;
                while (place > 0 && score > at[place - 1].Score)
                    place--;
                at.Insert(place, (score, node, way));
                if (at.Count > ways)
                    at.RemoveAt(ways);
            }
        }

        var result = new List<List<Node>>();
        for (int way = 0; way < best[word.Length].Count; way++)
        {
            var path = new List<Node>();
            for (int place = word.Length, w = way; place > 0;)
            {
                (_, Node last, int from) = best[place][w];
                path.Add(last);
                (place, w) = (last.Start, from);
            }

            path.Reverse();
            result.Add(path);
        }

        return result;
    }

    /// <summary>A piece at a place.</summary>
    private readonly record struct Node(int Start, int End, int Id, double Score);
}
