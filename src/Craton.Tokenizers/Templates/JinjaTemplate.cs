namespace Craton.Tokenizers.Templates;

/// <summary>
/// A chat template in the language of Jinja, as models bring it along, rendered as the <c>transformers</c> library does: values can be read but
/// not changed, nothing of the host can be reached, and every rendering ends within its <see cref="TemplateLimits"/>. Safe for many threads.
/// </summary>
public sealed class JinjaTemplate
{
    private const int LongestSource = 1 << 20;

    private readonly Statement[] _statements;

    private JinjaTemplate(Statement[] statements, bool marksGeneration) => (_statements, MarksGeneration) = (statements, marksGeneration);

    /// <summary>Whether it has <c>generation</c> blocks, which say what the assistant's words are.</summary>
    public bool MarksGeneration { get; }

    /// <summary>Reads a template.</summary>
    /// <exception cref="TemplateException">It is not valid, or uses what a chat template cannot have, such as <c>include</c>.</exception>
    public static JinjaTemplate Parse(string source)
    {
        if (source.Length > LongestSource)
            throw new TemplateLimitException($"the chat template has {source.Length:N0} characters, more than the {LongestSource:N0} allowed");
        (Statement[] statements, bool marksGeneration) = Parser.Parse(source);
        return new JinjaTemplate(statements, marksGeneration);
    }

    /// <summary>Renders the template.</summary>
    /// <param name="variables">Its variables.</param>
    /// <param name="now">The time for <c>strftime_now</c>; null: the present.</param>
    /// <param name="limits">What it may use; null: the defaults.</param>
    /// <exception cref="TemplateException">It called <c>raise_exception</c>, or an operation is not allowed for its values.</exception>
    /// <exception cref="TemplateLimitException">It was stopped at a limit.</exception>
    public RenderedText Render(TemplateVariables variables, DateTime? now = null, TemplateLimits? limits = null)
    {
        var run = new Run(new Meter(limits ?? new TemplateLimits()), now ?? DateTime.Now);
        var scope = new Scope(Globals.NewScope());
        foreach ((string name, object value) in variables.Values)
            scope.Set(name, value);
        try
        {
            Text text = run.Capture(_statements, scope);
            return new RenderedText(text.Value, [.. text.Trusted], [.. text.Generated]);
        }
        catch (RenderFault e)
        {
            throw new TemplateException($"chat template, line {run.Line}: {e.Message}");
        }
    }
}
