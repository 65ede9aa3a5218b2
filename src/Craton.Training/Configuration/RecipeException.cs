namespace Craton.Training.Configuration;

/// <summary>A recipe that cannot be used, with everything that is wrong with it.</summary>
public sealed class RecipeException : CratonException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="file">The recipe's file.</param>
    /// <param name="errors">A sentence for each error.</param>
    public RecipeException(string file, IReadOnlyList<string> errors)
        : base(errors.Count == 1 ? $"{file}: {errors[0]}" : $"{file} has {errors.Count} errors:\n  {string.Join("\n  ", errors)}") => Errors = errors;

    /// <summary>A sentence for each error: <c>line 3: optimizer.learning_rate: expected a positive number, got -1</c>.</summary>
    public IReadOnlyList<string> Errors { get; }
}
