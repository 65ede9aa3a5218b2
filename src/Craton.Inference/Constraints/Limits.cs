namespace Craton.Inference.Constraints;

/// <summary>What a schema, pattern or grammar from a stranger may cost; beyond it compiling ends with a <see cref="GrammarException"/>.</summary>
internal static class Limits
{
    /// <summary>Characters of a schema, pattern or grammar.</summary>
    public const int SourceLength = 1 << 18;

    /// <summary>Groups within groups, and values within values of a schema.</summary>
    public const int Nesting = 64;

    /// <summary>Rules of one grammar.</summary>
    public const int Rules = 10_000;

    /// <summary>The greatest number in a repetition, a length or a count of items.</summary>
    public const int Repeats = 100_000;

    /// <summary>States of all automata of one grammar, and of each on the way there.</summary>
    public const int States = 200_000;

    /// <summary>Elementary steps of building one automaton.</summary>
    public const int Steps = 4_000_000;

    /// <summary>Alternatives of one schema after <c>anyOf</c> within <c>allOf</c> has been multiplied out.</summary>
    public const int Alternatives = 1024;

    /// <summary>Frames of the stack while a text is generated: rules within rules, values within JSON values.</summary>
    public const int StackDepth = 512;

    /// <summary>The same for JSON, where a reader refuses what is deeper than 64 levels: <c>System.Text.Json</c> does.</summary>
    public const int JsonDepth = 63;

    /// <summary>Refuses a source that is too long.</summary>
    public static void CheckLength(string source, string what)
    {
        if (source.Length > SourceLength)
            throw new GrammarException($"{what}: expected at most {SourceLength} characters, got {source.Length}; make it smaller");
    }
}
