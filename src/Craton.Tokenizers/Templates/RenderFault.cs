namespace Craton.Tokenizers.Templates;

/// <summary>An operation that its values do not allow; becomes a <see cref="TemplateException"/> with the line of the template.</summary>
internal sealed class RenderFault(string message) : Exception(message);
