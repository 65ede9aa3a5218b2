namespace Craton.Tensors;

/// <summary>
/// Bad input that the user can mend. The message is one sentence that names the thing, what was expected, what was found and
/// what to do; the command line prints it and exits with code 2, the server answers 4xx.
/// </summary>
public class CratonException : Exception
{
    /// <summary>Creates the exception with its sentence.</summary>
    public CratonException(string message) : base(message) { }

    /// <summary>Creates the exception with its sentence and what caused it.</summary>
    public CratonException(string message, Exception inner) : base(message, inner) { }
}
