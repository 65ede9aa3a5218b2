using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Craton.Training.Configuration;

/// <summary>A place in a recipe, with where it was said: <c>line 3</c> or <c>--set a.b=c</c>.</summary>
internal abstract record RecipeNode(string Where)
{
    /// <summary>Deeper nesting than any recipe has.</summary>
    private const int MaxDepth = 32;

    /// <summary>A value. Plain text, without quotes, may be a number, true, false or null.</summary>
    public sealed record Value(string Where, string Text, bool Plain) : RecipeNode(Where)
    {
        public bool IsNull => Plain && Text is "" or "~" or "null";
    }

    /// <summary>Values in order.</summary>
    public sealed record List(string Where, IReadOnlyList<RecipeNode> Items) : RecipeNode(Where);

    /// <summary>Values by key, in the order written.</summary>
    public sealed record Map(string Where, List<(string Key, RecipeNode Value)> Entries) : RecipeNode(Where)
    {
        public RecipeNode? this[string key] => Entries.FirstOrDefault(entry => entry.Key == key).Value;
    }

    /// <summary>Parses one YAML document of maps, lists and values.</summary>
    /// <param name="yaml">The text.</param>
    /// <param name="where">Says where something is, given its line.</param>
    /// <param name="errors">Receives what is wrong but does not end the reading: keys that occur twice.</param>
    /// <exception cref="YamlException">The text is no YAML, or uses anchors, tags or several documents.</exception>
    public static RecipeNode Parse(string yaml, Func<long, string> where, List<string> errors)
    {
        var parser = new Parser(new StringReader(yaml));
        try
        {
            return ReadDocument(parser, where, errors);
        }
        catch (Exception error) when (error is InvalidOperationException or ArgumentException)
        {
            // YamlDotNet 16 says so, without a place, when a plain text ends in the middle of a flow.
            Mark last = parser.Current?.End ?? Mark.Empty;
            throw new YamlException(last, last, "something behind this does not end: check brackets, colons and quotes", error);
        }
    }

    private static RecipeNode ReadDocument(Parser parser, Func<long, string> where, List<string> errors)
    {
        parser.Consume<StreamStart>();
        if (parser.Accept<StreamEnd>(out _)) return new Map(where(1), []);
        parser.Consume<DocumentStart>();
        RecipeNode root = Read(parser, where, errors, 0);
        parser.Consume<DocumentEnd>();
        if (parser.TryConsume<DocumentStart>(out DocumentStart? second))
            throw new YamlException(second.Start, second.End, "a recipe is one document, without a second '---'");
        parser.Consume<StreamEnd>();
        return root is Value { IsNull: true } ? new Map(root.Where, []) : root;
    }

    private static RecipeNode Read(Parser parser, Func<long, string> where, List<string> errors, int depth)
    {
        ParsingEvent start = parser.Consume<ParsingEvent>();
        string here = where(start.Start.Line);
        if (depth > MaxDepth) throw new YamlException(start.Start, start.End, $"a recipe is at most {MaxDepth} levels deep");
        if (start is NodeEvent { Anchor.IsEmpty: false } or AnchorAlias)
            throw new YamlException(start.Start, start.End, "anchors and aliases are not used in recipes; write the value out");
        if (start is NodeEvent { Tag.IsEmpty: false })
            throw new YamlException(start.Start, start.End, "tags are not used in recipes; write the plain value");
        switch (start)
        {
            case Scalar scalar:
                return new Value(here, scalar.Value, scalar.Style == ScalarStyle.Plain);
            case SequenceStart:
                var items = new List<RecipeNode>();
                while (!parser.TryConsume<SequenceEnd>(out _)) items.Add(Read(parser, where, errors, depth + 1));
                return new List(here, items);
            case MappingStart:
                return ReadMap(parser, where, errors, depth, here);
            default:
                throw new YamlException(start.Start, start.End, "expected a value");
        }
    }

    private static Map ReadMap(Parser parser, Func<long, string> where, List<string> errors, int depth, string here)
    {
        var map = new Map(here, []);
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            RecipeNode key = Read(parser, where, errors, depth + 1);
            if (key is not Value name) throw new YamlException("expected a name as key, got a list or a map on " + key.Where);
            RecipeNode value = Read(parser, where, errors, depth + 1);
            if (map[name.Text] is { } first)
                errors.Add($"{key.Where}: {name.Text}: the key is already there on {first.Where}; remove one of them");
            else map.Entries.Add((name.Text, value));
        }
        return map;
    }

    /// <summary>
    /// Applies <c>a.b=value</c> to a tree. The value is taken as it stands, unless it begins as a list, a group or a quoted text:
    /// <c>files=[a, b]</c>.
    /// </summary>
    public static void Override(Map root, string setting, List<string> errors)
    {
        string where = $"--set {setting}";
        int equals = setting.IndexOf('=', StringComparison.Ordinal);
        string[] path = equals < 0 ? [] : setting[..equals].Split('.', StringSplitOptions.TrimEntries);
        if (path.Length == 0 || path.Any(part => part.Length == 0))
        {
            errors.Add($"{where}: expected name=value or group.name=value");
            return;
        }
        RecipeNode value;
        try
        {
            string text = setting[(equals + 1)..];
            value = text.AsSpan().TrimStart() is ['[' or '{' or '"' or '\'', ..] ? Parse(text, _ => where, errors) : new Value(where, text.Trim(), Plain: true);
        }
        catch (YamlException error)
        {
            errors.Add($"{where}: the value is not valid YAML ({Reason(error)}); put it in quotes");
            return;
        }
        Map map = root;
        for (int i = 0; i < path.Length; i++)
        {
            int at = map.Entries.FindIndex(entry => entry.Key == path[i]);
            RecipeNode next = i == path.Length - 1 ? value : at >= 0 && map.Entries[at].Value is Map inner ? inner : new Map(where, []);
            if (at >= 0) map.Entries[at] = (path[i], next);
            else map.Entries.Add((path[i], next));
            if (next is Map below) map = below;
        }
    }

    /// <summary>What a parser says, without its position.</summary>
    public static string Reason(YamlException error)
    {
        string message = error.Message;
        int colon = message.IndexOf("): ", StringComparison.Ordinal);
        message = message.StartsWith("(Line", StringComparison.Ordinal) && colon > 0 ? message[(colon + 3)..] : message;
        return message.TrimEnd('.');
    }

    /// <summary>Where a parser stopped.</summary>
    public static string Place(YamlException error) => string.Create(CultureInfo.InvariantCulture, $"line {Math.Max(1, error.Start.Line)}");
}
