using System.Numerics.Tensors;
using Craton.Inference.Constraints.Automata;

namespace Craton.Inference.Constraints;

/// <summary>
/// One text under a grammar: says before each token which ones may come, and takes the one that was chosen. A token may come exactly
/// when some text of the grammar begins with everything so far and that token. There are no dead ends: some token can always come, until
/// the text has ended. Not thread-safe; a clone may be used on another thread.
/// </summary>
public sealed class TokenConstraint
{
    private const int MostSets = 8_000;
    private const int MostMasks = 64;

    private readonly TokenGrammar _grammar;
    private Matcher _matcher;
    private Matcher _single;
    private StackSet _stacks;
    private int _masks;
    private bool _ended;

    internal TokenConstraint(TokenGrammar grammar)
    {
        _grammar = grammar;
        _matcher = new Matcher(grammar.Automaton);
        _single = new Matcher(grammar.Automaton);
        _stacks = _matcher.Begin();
    }

    private TokenConstraint(TokenConstraint other)
    {
        (_grammar, _ended) = (other._grammar, other._ended);
        _matcher = new Matcher(_grammar.Automaton);
        _single = new Matcher(_grammar.Automaton);
        _stacks = _matcher.Import(other._stacks);
    }

    /// <summary>The text so far is a whole text of the grammar: end-of-text is allowed.</summary>
    public bool IsComplete => _stacks.HasEmpty;

    /// <summary>Nothing may come but end-of-text: a caller can stop without asking the model.</summary>
    public bool IsFinished => _ended || _stacks.Frames.Length == 0;

    /// <summary>Says which tokens may come next.</summary>
    /// <param name="mask">Receives one bit for each token id, id 0 in the lowest bit of the first word; words beyond the vocabulary are zero.</param>
    /// <exception cref="ArgumentException">The mask has no room for all ids.</exception>
    public void Allowed(Span<uint> mask)
    {
        if (mask.Length < _grammar.MaskWords)
            throw new ArgumentException($"The mask has {mask.Length} words; {_grammar.Vocabulary.Size} token ids need {_grammar.MaskWords}.", nameof(mask));
        mask.Clear();
        if (!_ended)
            Mask().CopyTo(mask);
        if (!IsComplete)
            return;
        foreach (int id in _grammar.Vocabulary.EndOfText)
            mask[id >> 5] |= 1u << id;
    }

    /// <summary>Takes the token that was chosen.</summary>
    /// <exception cref="ArgumentException">The token is not allowed here; the constraint stays as it was.</exception>
    public void Accept(int token)
    {
        if (IsComplete && _grammar.Vocabulary.EndOfText.Contains(token))
        {
            _ended = true;
            return;
        }

        IReadOnlyList<byte[]> tokens = _grammar.Vocabulary.Tokens;
        byte[] bytes = !_ended && (uint)token < (uint)tokens.Count ? tokens[token] : [];
        StackSet stacks = _stacks;
        for (int i = 0; i < bytes.Length && !stacks.IsDead; i++)
            stacks = _matcher.Step(stacks, bytes[i]);
        if (bytes.Length == 0 || stacks.IsDead)
            throw new ArgumentException($"Token {token} is not allowed here; choose one that Allowed has marked.", nameof(token));
        _stacks = stacks;
        if (_matcher.Count + _single.Count > MostSets)
            Forget();
    }

    /// <summary>A constraint of its own that continues from here.</summary>
    public TokenConstraint Clone() => new(this);

    private uint[] Mask()
    {
        if (_stacks.Mask is { } known)
            return known;
        var mask = new uint[_grammar.MaskWords];
        foreach (Frame frame in _stacks.Frames)
            AddTokens(frame, mask);
        if (_masks++ < MostMasks)
            _stacks.Mask = mask;
        return mask;
    }

    // What a state allows by itself is shared; only tokens that reach beyond the frame are looked at with what lies below.
    private void AddTokens(Frame frame, uint[] mask)
    {
        LocalMask local = _grammar.MaskOf(frame.State, _single);
        if (frame.Below.Depth + local.Depth > _grammar.Automaton.StackDepth)
        {
            _grammar.Walk(_matcher, [0], _matcher.At(frame.State, frame.Below), mask, null);
            return;
        }

        TensorPrimitives.BitwiseOr(mask, local.Tokens, mask);
        if (local.Exits.Length == 0)
            return;
        _grammar.Walk(_matcher, local.Exits, _matcher.Resume(frame.Below), mask, null);
    }

    private void Forget()
    {
        _matcher = new Matcher(_grammar.Automaton);
        _single = new Matcher(_grammar.Automaton);
        _stacks = _matcher.Import(_stacks);
        _masks = 0;
    }
}
