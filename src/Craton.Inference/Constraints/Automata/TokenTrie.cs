namespace Craton.Inference.Constraints.Automata;

/// <summary>
/// The tokens of a vocabulary by their bytes, as a tree in one array: a node is followed by its subtree, so a walk goes from left to
/// right and leaves a subtree out by one jump. Node 0 is the root.
/// </summary>
internal sealed class TokenTrie
{
    private readonly Node[] _nodes;
    private readonly int[] _tokens;

    /// <summary>Builds the tree of the tokens that have bytes.</summary>
    public TokenTrie(IReadOnlyList<byte[]> tokens)
    {
        _tokens = [.. Enumerable.Range(0, tokens.Count).Where(id => tokens[id].Length > 0)];
        Array.Sort(_tokens, (a, b) => tokens[a].AsSpan().SequenceCompareTo(tokens[b]) is not 0 and int order ? order : a.CompareTo(b));
        var nodes = new List<Node> { new(0, 0, 0) };
        var path = new List<int> { 0 };
        byte[] last = [];
        for (int i = 0; i < _tokens.Length; i++)
        {
            byte[] token = tokens[_tokens[i]];
            int common = token.AsSpan().CommonPrefixLength(last);
            CloseFrom(common + 1);
            for (int depth = common; depth < token.Length; depth++)
            {
                path.Add(nodes.Count);
                nodes.Add(new Node(token[depth], depth + 1, i));
            }

            last = token;
        }

        CloseFrom(0);
        nodes.Add(new Node(0, 0, _tokens.Length));
        _nodes = [.. nodes];
        Deepest = nodes.Max(n => n.Depth);

        void CloseFrom(int depth)
        {
            foreach (int node in path[depth..])
                nodes[node] = nodes[node] with { End = nodes.Count };
            path.RemoveRange(depth, path.Count - depth);
        }
    }

    /// <summary>Bytes of the longest token.</summary>
    public int Deepest { get; }

    /// <summary>The node behind the subtree of a node.</summary>
    public int End(int node) => _nodes[node].End;

    /// <summary>The byte that leads to a node.</summary>
    public byte Byte(int node) => _nodes[node].Byte;

    /// <summary>Bytes on the way from the root.</summary>
    public int Depth(int node) => _nodes[node].Depth;

    /// <summary>The tokens that end at a node.</summary>
    public ReadOnlySpan<int> Tokens(int node) => _tokens.AsSpan(_nodes[node].FirstToken.._nodes[node + 1].FirstToken);

    // The tokens that end at a node come before those below it.
    private readonly record struct Node(byte Byte, int Depth, int FirstToken)
    {
        public int End { get; init; }
    }
}
