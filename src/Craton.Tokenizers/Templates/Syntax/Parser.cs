namespace Craton.Tokenizers.Templates;

/// <summary>Reads statements. <c>include</c>, <c>import</c>, <c>extends</c> and <c>block</c> do not exist: a chat template is one text.</summary>
internal sealed class Parser
{
    private static readonly string[] _loopEnds = ["else", "endfor"];
    private static readonly string[] _branchEnds = ["elif", "else", "endif"];

    private readonly TokenStream _tokens;
    private readonly ExpressionParser _expressions;
    private int _loops;
    private bool _marksGeneration;

    private Parser(TokenStream tokens) => (_tokens, _expressions) = (tokens, new ExpressionParser(tokens));

    /// <summary>Reads a whole template.</summary>
    /// <returns>Its statements, and whether any of them is a <c>generation</c> block.</returns>
    /// <exception cref="TemplateException">It is no valid template.</exception>
    public static (Statement[] Statements, bool MarksGeneration) Parse(string source)
    {
        var parser = new Parser(new TokenStream(Lexer.Read(source)));
        return (parser.Body(), parser._marksGeneration);
    }

    // Reads statements up to one of the tags, which is left unread behind its "{%".
    private Statement[] Body(params string[] ends)
    {
        _tokens.Enter();
        var statements = new List<Statement>();
        while (true)
        {
            Token token = _tokens.Take();
            switch (token.Kind)
            {
                case TokenKind.Data:
                    statements.Add(new Data(token.Value) { Line = token.Line });
                    break;
                case TokenKind.VariableBegin:
                    statements.Add(new Print(_expressions.Tuple()) { Line = token.Line });
                    _tokens.Expect(TokenKind.VariableEnd);
                    break;
                case TokenKind.BlockBegin when ends.Any(_tokens.IsName):
                case TokenKind.End when ends.Length == 0:
                    _tokens.Leave();
                    return [.. statements];
                case TokenKind.BlockBegin:
                    statements.Add(Tag());
                    _tokens.Expect(TokenKind.BlockEnd);
                    break;
                default:
                    throw _tokens.Fault($"the template ends inside a block; expected {{% {string.Join(" %} or {% ", ends)} %}}");
            }
        }
    }

    // A block up to its one end tag, with the ends of both tags.
    private Statement[] Block(string end)
    {
        _tokens.Expect(TokenKind.BlockEnd);
        Statement[] body = Body(end);
        _tokens.Expect(end);
        return body;
    }

    private Statement Tag()
    {
        Token tag = _tokens.Expect(TokenKind.Name);
        return tag.Value switch
        {
            "for" => For(tag.Line),
            "if" => If(tag.Line),
            "set" => Set(tag.Line),
            "with" => With(tag.Line),
            "macro" => Macro(tag.Line),
            "call" => CallBlock(tag.Line),
            "filter" => new Captured(null, _expressions.Filters(new BlockText(), isFirst: true), Block("endfilter")) { Line = tag.Line },
            "generation" => Generation(tag.Line),
            "break" or "continue" when _loops > 0 => new Jump(tag.Value == "break" ? Flow.Break : Flow.Continue) { Line = tag.Line },
            "break" or "continue" => throw _tokens.Fault($"'{tag.Value}' stands outside of a loop"),
            "include" or "import" or "from" or "extends" or "block" => throw _tokens.Fault($"'{tag.Value}' is refused: a chat template cannot use other templates"),
            _ => throw _tokens.Fault($"encountered unknown tag '{tag.Value}'"),
        };
    }

    private For For(int line)
    {
        Target target = AssignTarget("in");
        _tokens.Expect("in");
        Expression items = _expressions.Tuple(withCondition: false, end: "recursive");
        Expression? filter = _tokens.Skip("if") ? _expressions.Expression() : null;
        bool isRecursive = _tokens.Skip("recursive");
        _tokens.Expect(TokenKind.BlockEnd);
        _loops++;
        Statement[] body = Body(_loopEnds);
        _loops--;
        Statement[] otherwise = [];
        if (_tokens.Skip("else"))
        {
            otherwise = Block("endfor");
        }
        else
        {
            _tokens.Expect("endfor");
        }

        return new For(target, items, filter, isRecursive, body, otherwise) { Line = line };
    }

    private If If(int line)
    {
        var branches = new List<(Expression, Statement[])>();
        Statement[] otherwise = [];
        do
        {
            Expression condition = _expressions.Tuple(withCondition: false);
            _tokens.Expect(TokenKind.BlockEnd);
            branches.Add((condition, Body(_branchEnds)));
        }
        while (_tokens.Skip("elif"));
        if (_tokens.Skip("else"))
            otherwise = Block("endif");
        else
            _tokens.Expect("endif");
        return new If([.. branches], otherwise) { Line = line };
    }

    private Statement Set(int line)
    {
        Target target = AssignTarget(end: null);
        if (_tokens.SkipOperator("="))
            return new Set(target, _expressions.Tuple()) { Line = line };
        Expression value = _expressions.Filters(new BlockText());
        return new Captured(target, value, Block("endset")) { Line = line };
    }

    private With With(int line)
    {
        var variables = new List<(Target, Expression)>();
        while (!_tokens.Is(TokenKind.BlockEnd))
        {
            if (variables.Count > 0)
                _tokens.ExpectOperator(",");
            Target target = SingleTarget();
            _tokens.ExpectOperator("=");
            variables.Add((target, _expressions.Expression()));
        }

        return new With([.. variables], Block("endwith")) { Line = line };
    }

    private Generation Generation(int line)
    {
        _marksGeneration = true;
        return new Generation(Block("endgeneration")) { Line = line };
    }

    private MacroDefinition Macro(int line)
    {
        string name = SingleTarget().Name!;
        return new MacroDefinition(Code(name, Signature(), "endmacro")) { Line = line };
    }

    private CallBlock CallBlock(int line)
    {
        (string, Expression?)[] parameters = _tokens.IsOperator("(") ? Signature() : [];
        Call call = _expressions.Expression() as Call ?? throw _tokens.Fault("expected a call behind 'call'");
        return new CallBlock(call, Code("caller", parameters, "endcall")) { Line = line };
    }

    private MacroCode Code(string name, (string, Expression?)[] parameters, string end)
    {
        // A loop around the macro is not one that its body can leave.
        (int loops, _loops) = (_loops, 0);
        IReadOnlySet<string> outer = _expressions.StartNames();
        Statement[] body = Block(end);
        _loops = loops;
        return new MacroCode(name, parameters, body, _expressions.EndNames(outer));
    }

    private (string Name, Expression? Default)[] Signature()
    {
        _tokens.ExpectOperator("(");
        var parameters = new List<(string Name, Expression? Default)>();
        while (!_tokens.IsOperator(")"))
        {
            if (parameters.Count > 0)
                _tokens.ExpectOperator(",");
            string name = SingleTarget().Name!;
            Expression? value = _tokens.SkipOperator("=") ? _expressions.Expression() : null;
            if (value is null && parameters is [.., { Default: not null }])
                throw _tokens.Fault($"parameter '{name}' without a default follows one with a default");
            parameters.Add((name, value));
        }

        _tokens.ExpectOperator(")");
        return [.. parameters];
    }

    private Target SingleTarget()
    {
        Token token = _tokens.Expect(TokenKind.Name);
        if (token.Value is "true" or "false" or "none" or "True" or "False" or "None")
            throw _tokens.Fault($"can't assign to '{token.Value}'");
        return new Target(token.Value, null, []);
    }

    private Target AssignTarget(string? end)
    {
        var targets = new List<Target>();
        bool isTuple = false;
        do
        {
            if (targets.Count > 0 && (end is null ? _tokens.IsOperator("=") : _tokens.IsName(end)))
                break;
            targets.Add(OneTarget(end));
            isTuple |= _tokens.IsOperator(",");
        }
        while (_tokens.SkipOperator(","));
        return isTuple ? new Target(null, null, [.. targets]) : targets[0];
    }

    private Target OneTarget(string? end)
    {
        if (_tokens.SkipOperator("("))
        {
            _tokens.Enter();
            Target inner = AssignTarget(end);
            _tokens.ExpectOperator(")");
            _tokens.Leave();
            return inner;
        }

        Target target = SingleTarget();
        return end is null && _tokens.SkipOperator(".") ? target with { Attribute = _tokens.Expect(TokenKind.Name).Value } : target;
    }
}
