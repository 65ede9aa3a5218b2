using System.Globalization;
using System.Numerics;

namespace Craton.Tokenizers.Templates;

/// <summary>
/// Reads expressions. From weakest to strongest: <c>if else</c>, <c>or</c>, <c>and</c>, <c>not</c>, comparisons, <c>+ -</c>, <c>~</c>,
/// <c>* / // %</c>, <c>**</c> (from the left, and weaker than a sign), then attributes, calls, filters and tests.
/// </summary>
internal sealed class ExpressionParser(TokenStream tokens)
{
    private static readonly string[] _comparisons = ["==", "!=", "<", "<=", ">", ">="];
    private static readonly string[] _sums = ["+", "-"];
    private static readonly string[] _products = ["*", "/", "//", "%"];
    private static readonly string[] _powers = ["**"];
    private static readonly string[] _signs = ["-", "+"];

    private HashSet<string> _names = [];

    /// <summary>Begins to collect names that are mentioned.</summary>
    /// <returns>What has been collected outside, for <see cref="EndNames"/>.</returns>
    public IReadOnlySet<string> StartNames()
    {
        HashSet<string> outer = _names;
        _names = [];
        return outer;
    }

    /// <summary>Ends the collection that was begun, and gives it.</summary>
    public IReadOnlySet<string> EndNames(IReadOnlySet<string> outer)
    {
        HashSet<string> inner = _names;
        _names = [.. outer, .. inner];
        return inner;
    }

    /// <summary>Reads an expression.</summary>
    /// <param name="withCondition">Whether it may be an <c>if else</c>.</param>
    public Expression Expression(bool withCondition = true)
    {
        tokens.Enter();
        Expression value = withCondition ? Condition() : Or();
        tokens.Leave();
        return value;
    }

    /// <summary>Reads an expression, or several with commas, which are a tuple.</summary>
    /// <param name="withCondition">Whether an item may be an <c>if else</c>.</param>
    /// <param name="end">A keyword that ends the tuple.</param>
    /// <param name="mayBeEmpty">Whether there may be no item.</param>
    public Expression Tuple(bool withCondition = true, string? end = null, bool mayBeEmpty = false)
    {
        var items = new List<Expression>();
        bool isTuple = false;
        while (!IsTupleEnd(end))
        {
            items.Add(Expression(withCondition));
            if (!tokens.SkipOperator(","))
                break;
            isTuple = true;
        }

        if (isTuple || items.Count == 0 && mayBeEmpty)
            return new SequenceLiteral([.. items], isTuple: true);
        return items.Count == 1 ? items[0] : throw tokens.Expected("an expression");
    }

    /// <summary>Reads <c>| filter</c>, any number of times.</summary>
    /// <param name="value">What they are applied to.</param>
    /// <param name="isFirst">The first one has no <c>|</c>.</param>
    public Expression Filters(Expression value, bool isFirst = false)
    {
        while (isFirst || tokens.SkipOperator("|"))
        {
            isFirst = false;
            string name = DottedName();
            value = new Filtered(value, name, tokens.IsOperator("(") ? Arguments() : ArgumentList.None);
        }

        return value;
    }

    private bool IsTupleEnd(string? end) =>
        tokens.Is(TokenKind.VariableEnd) || tokens.Is(TokenKind.BlockEnd) || tokens.IsOperator(")") || end is not null && tokens.IsName(end);

    private Expression Condition()
    {
        Expression value = Or();
        while (tokens.Skip("if"))
        {
            Expression condition = Or();
            value = new Conditional(condition, value, tokens.Skip("else") ? Expression() : null);
        }

        return value;
    }

    private Expression Or() => Logic("or", And);

    private Expression And() => Logic("and", Not);

    private Expression Logic(string word, Func<Expression> operand)
    {
        Expression first = operand();
        if (!tokens.IsName(word))
            return first;
        var operands = new List<Expression> { first };
        while (tokens.Skip(word))
            operands.Add(operand());
        return new Logic(word == "and", [.. operands]);
    }

    private Expression Not()
    {
        if (!tokens.Skip("not"))
            return Compare();
        tokens.Enter();
        Expression operand = Not();
        tokens.Leave();
        return new Not(operand);
    }

    private Expression Compare()
    {
        Expression first = Sum();
        var rest = new List<(string, Expression)>();
        while (ComparisonOperator() is { } op)
            rest.Add((op, Sum()));
        return rest.Count == 0 ? first : new Comparisons(first, [.. rest]);
    }

    private string? ComparisonOperator()
    {
        if (tokens.Skip("in"))
            return "in";
        if (tokens.IsName("not"))
        {
            _ = tokens.Take();
            tokens.Expect("in");
            return "not in";
        }

        return tokens.SkipAny(_comparisons);
    }

    private Expression Sum() => Chain(_sums, Concatenation);

    private Expression Product() => Chain(_products, () => Chain(_powers, () => Unary()));

    private Expression Concatenation()
    {
        Expression first = Product();
        if (!tokens.IsOperator("~"))
            return first;
        var operands = new List<Expression> { first };
        while (tokens.SkipOperator("~"))
            operands.Add(Product());
        return new Concatenation([.. operands]);
    }

    private Expression Chain(string[] operators, Func<Expression> operand)
    {
        Expression first = operand();
        if (tokens.SkipAny(operators) is not { } op)
            return first;
        var rest = new List<(string, Expression)>();
        for (string? next = op; next is not null; next = tokens.SkipAny(operators))
            rest.Add((next, operand()));
        return new Chain(first, [.. rest]);
    }

    private Expression Unary(bool withFilters = true)
    {
        Expression value;
        if (tokens.SkipAny(_signs) is { } sign)
        {
            tokens.Enter();
            value = new Signed(sign, Unary(withFilters: false));
            tokens.Leave();
        }
        else
        {
            value = Primary();
        }

        value = Postfix(value);
        return withFilters ? FiltersAndTests(value) : value;
    }

    private Expression FiltersAndTests(Expression value)
    {
        while (true)
        {
            if (tokens.IsOperator("|"))
                value = Filters(value);
            else if (tokens.Skip("is"))
                value = Test(value);
            else if (tokens.IsOperator("("))
                value = new Call(value, Arguments());
            else
                return value;
        }
    }

    private Expression Test(Expression value)
    {
        bool isNegated = tokens.Skip("not");
        string name = DottedName();
        ArgumentList arguments = ArgumentList.None;
        if (tokens.IsOperator("("))
        {
            arguments = Arguments();
        }
        else if (StartsOperand())
        {
            if (tokens.IsName("is"))
                throw tokens.Fault("tests cannot be chained with 'is'; use 'and'");
            arguments = new ArgumentList([Postfix(Primary())], [], null, null);
        }

        var test = new Tested(value, name, arguments);
        return isNegated ? new Not(test) : test;
    }

    private bool StartsOperand() =>
        tokens.Current.Kind is TokenKind.String or TokenKind.Integer or TokenKind.Float || tokens.IsOperator("[") || tokens.IsOperator("{")
        || tokens.Is(TokenKind.Name) && tokens.Current.Value is not ("else" or "or" or "and" or "if" or "in" or "not");

    private string DottedName()
    {
        string name = tokens.Expect(TokenKind.Name).Value;
        while (tokens.SkipOperator("."))
            name += "." + tokens.Expect(TokenKind.Name).Value;
        return name;
    }

    private Expression Postfix(Expression value)
    {
        while (true)
        {
            if (tokens.SkipOperator("."))
                value = Attribute(value);
            else if (tokens.SkipOperator("["))
                value = Subscript(value);
            else if (tokens.IsOperator("("))
                value = new Call(value, Arguments());
            else
                return value;
        }
    }

    private Expression Attribute(Expression value)
    {
        Token token = tokens.Take();
        return token.Kind switch
        {
            TokenKind.Name => new AttributeAccess(value, token.Value),
            TokenKind.Integer => new ItemAccess(value, new Constant(Literals.Integer(token.Value))),
            _ => throw tokens.Fault($"expected a name or a number behind '.', got '{token.Value}'"),
        };
    }

    private Expression Subscript(Expression value)
    {
        var bounds = new Expression?[3];
        bool isSlice = false;
        var items = new List<Expression>();
        for (int part = 0; !tokens.IsOperator("]"); part++)
        {
            if (!tokens.IsOperator(":") && !tokens.IsOperator(","))
            {
                Expression item = Expression();
                if (part < 3)
                    bounds[part] = item;
                items.Add(item);
            }

            if (tokens.SkipOperator(":") && part < 2)
                isSlice = true;
            else if (isSlice || !tokens.SkipOperator(","))
                break;
        }

        tokens.ExpectOperator("]");
        if (isSlice)
            return new SliceAccess(value, bounds);
        return items.Count == 0 ? throw tokens.Expected("an index")
            : new ItemAccess(value, items.Count == 1 ? items[0] : new SequenceLiteral([.. items], isTuple: true));
    }

    private ArgumentList Arguments()
    {
        tokens.ExpectOperator("(");
        var positional = new List<Expression>();
        var named = new List<(string, Expression)>();
        Expression? rest = null, namedRest = null;
        bool isFirst = true;
        while (!tokens.IsOperator(")"))
        {
            if (!isFirst)
                tokens.ExpectOperator(",");
            isFirst = false;
            if (tokens.IsOperator(")"))
                break;
            if (namedRest is null && tokens.SkipOperator("**"))
                namedRest = Expression();
            else if (rest is null && namedRest is null && tokens.SkipOperator("*"))
                rest = Expression();
            else if (tokens.Is(TokenKind.Name) && tokens.IsOperatorNext("=") && namedRest is null)
                named.Add((NamedArgument(), Expression()));
            else if (named.Count == 0 && rest is null && namedRest is null)
                positional.Add(Expression());
            else
                throw tokens.Fault("a positional argument stands behind a named one");
        }

        tokens.ExpectOperator(")");
        return new ArgumentList([.. positional], [.. named], rest, namedRest);
    }

    private string NamedArgument()
    {
        string name = tokens.Take().Value;
        _ = tokens.Take();
        return name;
    }

    private Expression Primary()
    {
        Token token = tokens.Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                return NameOrConstant(tokens.Take().Value);
            case TokenKind.Integer:
                return new Constant(Literals.Integer(tokens.Take().Value));
            case TokenKind.Float:
                return new Constant(double.Parse(tokens.Take().Value.Replace("_", "", StringComparison.Ordinal), CultureInfo.InvariantCulture));
            case TokenKind.String:
                string text = "";
                while (tokens.Is(TokenKind.String))
                    text += Literals.String(tokens);
                return new Constant(Text.Own(text));
            default:
                return Bracketed();
        }
    }

    private Expression Bracketed()
    {
        if (tokens.SkipOperator("("))
        {
            Expression inner = Tuple(mayBeEmpty: true);
            tokens.ExpectOperator(")");
            return inner;
        }

        if (tokens.SkipOperator("["))
            return new SequenceLiteral([.. Items("]", () => Expression())], isTuple: false);
        if (tokens.SkipOperator("{"))
            return new DictLiteral([.. Items("}", Entry)]);
        throw tokens.Expected("an expression");
    }

    private List<T> Items<T>(string close, Func<T> item)
    {
        var items = new List<T>();
        while (!tokens.IsOperator(close))
        {
            items.Add(item());
            if (!tokens.IsOperator(close))
                tokens.ExpectOperator(",");
        }

        tokens.ExpectOperator(close);
        return items;
    }

    private (Expression, Expression) Entry()
    {
        Expression key = Expression();
        tokens.ExpectOperator(":");
        return (key, Expression());
    }

    private Expression NameOrConstant(string name)
    {
        switch (name)
        {
            case "true" or "True": return new Constant(true);
            case "false" or "False": return new Constant(false);
            case "none" or "None": return new Constant(None.Value);
            default:
                _names.Add(name);
                return new Name(name);
        }
    }
}
