using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using Craton.Training.Configuration;

namespace Craton.Cli;

/// <summary>What is wrong with a command line, as one sentence.</summary>
internal static partial class ParseProblem
{
    /// <summary>The sentence; null when nothing is wrong.</summary>
    public static string? Of(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        string path = string.Join(' ', Line(parsed.CommandResult).Reverse().Select(c => c is RootCommand ? "craton" : c.Name));
        string help = $"see '{path} --help'";
        if (UnknownOption(parsed) is { } option)
        {
            IEnumerable<string> options = Line(parsed.CommandResult).SelectMany(c => c.Options).SelectMany(o => o.Aliases.Prepend(o.Name));
            return $"'{path}' has no option '{option}'; {Hint(option, options)}{help}";
        }
        if (parsed.UnmatchedTokens is [{ } token, ..])
            return command.Subcommands.Count == 0 ? $"'{path}' takes no argument '{token}' here; {help}"
                : $"'{path}' has no verb '{token}'; {Hint(token, command.Subcommands.Select(c => c.Name))}{help}";
        if (command.Subcommands.Count > 0 && parsed.Errors.Count > 0)
            return $"'{path}' needs a verb: {string.Join(", ", command.Subcommands.Select(c => c.Name))}; {help}";
        return parsed.Errors.Count == 0 ? null : $"{string.Join("; ", parsed.Errors.Select(Sentence).Distinct())}; {help}";
    }

    private static string Hint(string word, IEnumerable<string> words) => Suggestion.Nearest(word, words) is { } near ? $"did you mean '{near}'? " : "";

    private static IEnumerable<Command> Line(CommandResult? result)
    {
        for (; result is not null; result = result.Parent as CommandResult) yield return result.Command;
    }

    // The parser takes an unknown option for an argument. Behind '--' everything is one.
    private static string? UnknownOption(ParseResult parsed)
    {
        if (parsed.Tokens.Any(t => t.Type == TokenType.DoubleDash)) return null;
        IEnumerable<string> arguments = parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(a => a.Tokens).Select(t => t.Value);
        return arguments.Concat(parsed.UnmatchedTokens).FirstOrDefault(t => t.StartsWith("--", StringComparison.Ordinal) && t.Length > 2 && char.IsAsciiLetter(t[2]) && !t.Any(char.IsWhiteSpace));
    }

    private static string Sentence(ParseError error) => error.SymbolResult is OptionResult { Option: var option, Tokens: [{ Value: var value }] } && Kind(option.ValueType) is { } kind
        ? $"{option.Name}: expected {kind}, got '{value}'"
        : Blanks().Replace(error.Message, " ").TrimEnd('.', ' ');

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();

    private static string? Kind(Type type) => Type.GetTypeCode(Nullable.GetUnderlyingType(type) ?? type) switch
    {
        TypeCode.Int32 => "a whole number",
        TypeCode.UInt64 => "a whole number of at least 0",
        TypeCode.Double => "a number",
        _ => null,
    };
}
