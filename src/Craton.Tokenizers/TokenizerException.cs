namespace Craton.Tokenizers;

/// <summary>Text or settings that a tokenizer cannot work with; the message says what to change.</summary>
public class TokenizerException : Exception
{
    /// <summary>Creates the exception with its one-sentence message.</summary>
    public TokenizerException(string message) : base(message) { }

    /// <summary>Creates the exception with its one-sentence message and its cause.</summary>
    public TokenizerException(string message, Exception? inner) : base(message, inner) { }
}

/// <summary>A tokenizer file that is damaged, inconsistent, or uses a component that is not supported.</summary>
public sealed class TokenizerFileException : TokenizerException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="file">The file, as the user named it.</param>
    /// <param name="problem">What was expected, what was found, and what to do.</param>
    /// <param name="inner">The cause, where there is one.</param>
    public TokenizerFileException(string file, string problem, Exception? inner = null) : base($"{file}: {problem}", inner) => File = file;

    /// <summary>The file, as the user named it.</summary>
    public string File { get; }
}
