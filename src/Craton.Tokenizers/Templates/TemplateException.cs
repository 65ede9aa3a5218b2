namespace Craton.Tokenizers.Templates;

/// <summary>
/// A template that cannot be read, or a rendering that fails. For <c>raise_exception(message)</c> the message is exactly the template's own.
/// </summary>
public class TemplateException : TokenizerException
{
    /// <summary>Creates the exception with its one-sentence message.</summary>
    public TemplateException(string message) : base(message) { }
}

/// <summary>A rendering that was stopped at one of the <see cref="TemplateLimits"/>.</summary>
public sealed class TemplateLimitException : TemplateException
{
    /// <summary>Creates the exception with its one-sentence message.</summary>
    public TemplateLimitException(string message) : base(message) { }
}
