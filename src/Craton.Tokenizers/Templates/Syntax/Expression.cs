namespace Craton.Tokenizers.Templates;

/// <summary>An expression: <see cref="Run.Evaluate"/> computes its value.</summary>
internal abstract class Expression
{
    /// <summary>Computes the value; called by <see cref="Run.Evaluate"/> alone, which counts.</summary>
    public abstract object Evaluate(Run run, Scope scope);
}

/// <summary>A literal.</summary>
internal sealed class Constant(object value) : Expression
{
    public override object Evaluate(Run run, Scope scope) => value;
}

/// <summary>A variable.</summary>
internal sealed class Name(string name) : Expression
{
    public override object Evaluate(Run run, Scope scope) => scope.Find(name) ?? new Undefined($"'{name}' is undefined");
}

/// <summary>A list or a tuple.</summary>
internal sealed class SequenceLiteral(Expression[] items, bool isTuple) : Expression
{
    public override object Evaluate(Run run, Scope scope)
    {
        object[] values = [.. items.Select(i => run.Evaluate(i, scope))];
        return isTuple ? new TupleValue(values) : new ListValue(values);
    }
}

/// <summary>A dictionary.</summary>
internal sealed class DictLiteral((Expression Key, Expression Value)[] entries) : Expression
{
    public override object Evaluate(Run run, Scope scope)
    {
        OrderedDictionary<object, object> made = DictValue.NewEntries();
        foreach ((Expression key, Expression value) in entries)
            made[Comparison.Key(run, run.Evaluate(key, scope))] = run.Evaluate(value, scope);
        return new DictValue(made);
    }
}

/// <summary>Operators of one rank from left to right; a loop, so that a long sum is not deep.</summary>
internal sealed class Chain(Expression first, (string Op, Expression Operand)[] rest) : Expression
{
    public override object Evaluate(Run run, Scope scope)
    {
        object value = run.Evaluate(first, scope);
        foreach ((string op, Expression operand) in rest)
            value = Arithmetic.Apply(run, op, value, run.Evaluate(operand, scope));
        return value;
    }
}

/// <summary><c>~</c>: all operands as one text.</summary>
internal sealed class Concatenation(Expression[] operands) : Expression
{
    public override object Evaluate(Run run, Scope scope) =>
        Arithmetic.Join(run, [.. operands.Select(o => Printing.Str(run, run.Evaluate(o, scope)))]);
}

/// <summary><c>and</c> or <c>or</c>: the first operand that decides.</summary>
internal sealed class Logic(bool isAnd, Expression[] operands) : Expression
{
    public override object Evaluate(Run run, Scope scope)
    {
        object value = run.Evaluate(operands[0], scope);
        for (int i = 1; i < operands.Length && Truth.Of(value) == isAnd; i++)
            value = run.Evaluate(operands[i], scope);
        return value;
    }
}

/// <summary><c>not</c>.</summary>
internal sealed class Not(Expression operand) : Expression
{
    public override object Evaluate(Run run, Scope scope) => !Truth.Of(run.Evaluate(operand, scope));
}

/// <summary>A sign.</summary>
internal sealed class Signed(string op, Expression operand) : Expression
{
    public override object Evaluate(Run run, Scope scope) => Arithmetic.Sign(op, run.Evaluate(operand, scope));
}

/// <summary>Comparisons, all of which must hold: <c>a &lt; b &lt; c</c>.</summary>
internal sealed class Comparisons(Expression first, (string Op, Expression Operand)[] rest) : Expression
{
    public override object Evaluate(Run run, Scope scope)
    {
        object left = run.Evaluate(first, scope);
        foreach ((string op, Expression operand) in rest)
        {
            object right = run.Evaluate(operand, scope);
            if (!Holds(run, op, left, right))
                return false;
            left = right;
        }

        return true;
    }

    public static bool Holds(Run run, string op, object left, object right) => op switch
    {
        "==" => Comparison.AreEqual(run, left, right),
        "!=" => !Comparison.AreEqual(run, left, right),
        "in" => Comparison.Contains(run, right, left),
        "not in" => !Comparison.Contains(run, right, left),
        "<" => Comparison.Compare(run, op, left, right) < 0,
        "<=" => Comparison.Compare(run, op, left, right) <= 0,
        ">" => Comparison.Compare(run, op, left, right) > 0,
        _ => Comparison.Compare(run, op, left, right) >= 0,
    };
}

/// <summary><c>a if b else c</c>; without <c>else</c> undefined.</summary>
internal sealed class Conditional(Expression condition, Expression then, Expression? otherwise) : Expression
{
    public override object Evaluate(Run run, Scope scope) =>
        Truth.Of(run.Evaluate(condition, scope)) ? run.Evaluate(then, scope)
        : otherwise is not null ? run.Evaluate(otherwise, scope)
        : new Undefined("the inline if-expression was false and has no else");
}
