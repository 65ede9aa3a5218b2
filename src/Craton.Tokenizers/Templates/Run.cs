namespace Craton.Tokenizers.Templates;

/// <summary>One rendering: what it has used, what the clock says, and where it is.</summary>
internal sealed class Run(Meter meter, DateTime now)
{
    public Meter Meter => meter;

    /// <summary>The time for <c>strftime_now</c>.</summary>
    public DateTime Now => now;

    /// <summary>The line of the statement being carried out.</summary>
    public int Line { get; private set; } = 1;

    public object Evaluate(Expression expression, Scope scope)
    {
        meter.Enter();
        object value = expression.Evaluate(this, scope);
        meter.Leave();
        return value;
    }

    public Flow Execute(Statement[] statements, Scope scope, TextBuilder output)
    {
        meter.Enter();
        Flow flow = Flow.Next;
        for (int i = 0; i < statements.Length && flow == Flow.Next; i++)
        {
            meter.Steps(1);
            Line = statements[i].Line;
            flow = statements[i].Execute(this, scope, output);
        }

        meter.Leave();
        return flow;
    }

    /// <summary>Carries out statements and gives what they print.</summary>
    public Text Capture(Statement[] statements, Scope scope)
    {
        var text = new TextBuilder(meter);
        _ = Execute(statements, scope, text);
        return text.ToText();
    }
}
