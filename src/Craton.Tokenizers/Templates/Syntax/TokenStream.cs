namespace Craton.Tokenizers.Templates;

/// <summary>Tokens to be read one by one, and how deep the reader is.</summary>
internal sealed class TokenStream(List<Token> tokens)
{
    private const int MaxDepth = 100;

    private int _at, _depth;

    public Token Current => tokens[_at];

    /// <summary>Goes one level deeper into nested blocks or expressions.</summary>
    public void Enter()
    {
        if (++_depth > MaxDepth)
            throw new TemplateLimitException($"chat template, line {Current.Line}: blocks or expressions nest more than {MaxDepth} deep");
    }

    public void Leave() => _depth--;

    public Token Take() => Current.Kind == TokenKind.End ? Current : tokens[_at++];

    public bool Is(TokenKind kind) => Current.Kind == kind;

    public bool IsName(string name) => Current.Kind == TokenKind.Name && Current.Value == name;

    public bool IsOperator(string op) => Current.Kind == TokenKind.Operator && Current.Value == op;

    /// <summary>Whether the operator follows behind the current token.</summary>
    public bool IsOperatorNext(string op) => _at + 1 < tokens.Count && tokens[_at + 1] is { Kind: TokenKind.Operator } next && next.Value == op;

    public bool Skip(string name)
    {
        if (!IsName(name))
            return false;
        _at++;
        return true;
    }

    public bool SkipOperator(string op)
    {
        if (!IsOperator(op))
            return false;
        _at++;
        return true;
    }

    /// <summary>Takes whichever of some operators is here; null if none is.</summary>
    public string? SkipAny(string[] operators) =>
        Current.Kind == TokenKind.Operator && Array.IndexOf(operators, Current.Value) >= 0 ? Take().Value : null;

    public Token Expect(TokenKind kind) => Is(kind) ? Take() : throw Expected(kind switch
    {
        TokenKind.BlockEnd => "the end of the tag '%}'",
        TokenKind.VariableEnd => "the end of the tag '}}'",
        _ => $"a {kind.ToString().ToLowerInvariant()}",
    });

    public void Expect(string name)
    {
        if (!Skip(name))
            throw Expected($"'{name}'");
    }

    public void ExpectOperator(string op)
    {
        if (!SkipOperator(op))
            throw Expected($"'{op}'");
    }

    /// <summary>The error that says what stands here.</summary>
    public TemplateException Expected(string what) => Fault($"expected {what}, got '{(Current.Value.Length > 40 ? Current.Value[..40] : Current.Value)}'");

    public TemplateException Fault(string problem) => new($"chat template, line {Current.Line}: {problem}");
}
