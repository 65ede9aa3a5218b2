namespace Craton.Inference.Constraints.Automata;

/// <summary>
/// The tokens that may follow a state whatever lies below it, and the places in the tree of tokens at which the frame ends, from where
/// the walk goes on with what lies below.
/// </summary>
/// <param name="Tokens">A bit for each token.</param>
/// <param name="Exits">Nodes of the tree that have children.</param>
/// <param name="Depth">The frames that the walk needed: it holds for stacks that have as many to spare.</param>
internal sealed record LocalMask(uint[] Tokens, int[] Exits, int Depth);
