namespace Craton.Tokenizers.Pipeline;

/// <summary>A regular expression that cannot be used; the message completes "the pattern …".</summary>
internal sealed class RegexSyntaxException(string message) : Exception(message);

/// <summary>
/// A regular expression as tokenizer files write them (Oniguruma), matched in linear time. References to groups are refused:
/// no linear search is known for them.
/// </summary>
internal sealed class RegexPattern : TextPattern
{
    private readonly RegexProgram _program;

    private RegexPattern(RegexProgram program) => _program = program;

    /// <summary>Parses a pattern; null and what is wrong with it when it cannot be used.</summary>
    public static RegexPattern? Parse(string pattern, out string? problem)
    {
        try
        {
            problem = null;
            return new RegexPattern(RegexCompiler.Compile(RegexParser.Parse(pattern)));
        }
        catch (RegexSyntaxException e)
        {
            problem = $"the pattern {e.Message}";
            return null;
        }
    }

    public override List<(int Start, int End)> FindAll(int[] text)
    {
        var run = new RegexRun(_program, text);
        var found = new List<(int, int)>();
        int last = -1;
        for (int start = 0; start <= text.Length;)
        {
            int end = run.Match(start);
            if (end < 0 || (end == start && end == last))
            {
                start++;
                continue;
            }

            found.Add((start, end));
            start = last = end;
        }

        return found;
    }
}
