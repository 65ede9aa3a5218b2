using System.Text.Json;
using Craton.Inference.Constraints.Automata;
using Craton.Inference.Constraints.Json;
using Craton.Inference.Constraints.Text;

namespace Craton.Inference.Constraints;

/// <summary>
/// The texts that are wanted, compiled: from a JSON schema, a regular expression or a grammar. Immutable and shared by any number of
/// threads; <see cref="Bind"/> combines it with the tokens of a model.
/// </summary>
public sealed class Grammar
{
    private readonly IReadOnlyList<Dfa> _rules;
    private readonly IReadOnlyList<string> _names;
    private readonly int _stackDepth;

    internal Grammar(GrammarBuilder builder, int stackDepth)
    {
        _rules = builder.Compile();
        _names = builder.Names;
        _stackDepth = stackDepth;
        Automaton = Link(_ => true);
    }

    // A text around and between other grammars; the term gets their rules.
    private Grammar(string name, IReadOnlyList<Grammar> parts, Func<IReadOnlyList<Call>, Term> text)
    {
        var rules = new List<Dfa>();
        var starts = new List<Call>();
        foreach (Grammar part in parts)
        {
            int first = rules.Count + 1;
            starts.Add(new Call(first));
            rules.AddRange(part._rules.Select(r => r.ShiftCalls(first)));
        }

        _rules = [NfaBuilder.Compile(text(starts), rule => rules[rule - 1].States[0].Final), .. rules];
        _names = [name, .. parts.SelectMany(p => p._names)];
        _stackDepth = parts.Max(p => p._stackDepth) + 1;
        Automaton = Link(_ => true);
    }

    /// <summary>Any JSON value, at most 64 levels deep.</summary>
    public static Grammar AnyJson { get; } = JsonSchemaCompiler.Compile("{}");

    /// <summary>Any JSON object, at most 64 levels deep: <c>response_format</c> with <c>json_object</c>.</summary>
    public static Grammar JsonObject { get; } = JsonSchemaCompiler.Compile("""{"type":"object"}""");

    internal LinkedAutomaton Automaton { get; }

    /// <summary>
    /// Compiles a JSON schema (the part of draft 2020-12 that <c>docs/constrained-decoding.md</c> lists). Members come in the order of the
    /// schema; an object with <c>properties</c> takes others only where <c>additionalProperties</c> says so.
    /// </summary>
    /// <exception cref="GrammarException">
    /// The schema is malformed, too large or contradictory, or a keyword is not supported: the message names its JSON pointer.
    /// </exception>
    public static Grammar FromJsonSchema(string schema) => JsonSchemaCompiler.Compile(schema);

    /// <inheritdoc cref="FromJsonSchema(string)"/>
    public static Grammar FromJsonSchema(JsonElement schema) => JsonSchemaCompiler.Compile(schema.GetRawText());

    /// <summary>
    /// Compiles a regular expression in the syntax of ECMAScript that the whole text has to match. Look-around and references to groups
    /// are refused.
    /// </summary>
    /// <exception cref="GrammarException">The expression is malformed, too large, or not regular.</exception>
    public static Grammar FromRegex(string pattern)
    {
        var builder = new GrammarBuilder();
        builder.Set(builder.AddRule("the pattern"), RegexParser.ParseWhole(pattern));
        return new Grammar(builder, Limits.StackDepth);
    }

    /// <summary>
    /// Compiles a grammar in the notation of llama.cpp (GBNF): rules <c>name ::= …</c>, of which <c>root</c> is the text. Rules may refer to
    /// each other in any way except that none may begin with itself.
    /// </summary>
    /// <exception cref="GrammarException">The grammar is malformed, too large, left-recursive, or matches no text.</exception>
    public static Grammar FromGbnf(string grammar) => new(GbnfParser.Parse(grammar), Limits.StackDepth);

    /// <summary>The texts of any of the grammars.</summary>
    /// <exception cref="GrammarException">The grammars are too large together.</exception>
    public static Grammar AnyOf(params IReadOnlyList<Grammar> grammars) => grammars.Count > 0
        ? new("one of several grammars", grammars, rules => new Choice([.. rules]))
        : throw new GrammarException("one of several grammars: expected at least one; add it");

    /// <summary>The texts of this grammar between two fixed texts.</summary>
    public Grammar Between(string before, string after) =>
        new("a fixed text", [this], rules => new Sequence(Term.Literal(before), rules[0], Term.Literal(after)));

    /// <summary>
    /// Any text in which <paramref name="trigger"/> is each time followed by a text of this grammar and <paramref name="after"/>: what a
    /// model writes that may call tools, but need not.
    /// </summary>
    /// <exception cref="GrammarException">The trigger is empty.</exception>
    public Grammar After(string trigger, string after)
    {
        if (trigger.Length == 0)
            throw new GrammarException("trigger: expected a text that begins a call, got none; name one");
        Term any = new Characters(CodePoints.Any), rest = new Repeat(any, 0, null);
        Dfa upToTrigger = Dfa.Of(new Sequence(rest, Term.Literal(trigger))).Except(Dfa.Of(new Sequence(rest, Term.Literal(trigger), any, rest)));
        Dfa withoutTrigger = Dfa.Of(rest).Except(Dfa.Of(new Sequence(rest, Term.Literal(trigger), rest)));
        return new("a text with calls", [this], rules => new Sequence(
            new Repeat(new Sequence(new Accepted(upToTrigger), rules[0], Term.Literal(after)), 0, null), new Accepted(withoutTrigger)));
    }

    /// <summary>Combines the grammar with the tokens of a model; keep the result, it remembers what it has computed.</summary>
    /// <exception cref="GrammarException">The vocabulary cannot spell any text of the grammar.</exception>
    public TokenGrammar Bind(ConstraintVocabulary vocabulary)
    {
        bool all = Enumerable.Range(0, 256).All(b => vocabulary.HasByte((byte)b));
        return new TokenGrammar(all ? Automaton : Link(vocabulary.HasByte), vocabulary);
    }

    private LinkedAutomaton Link(Func<byte, bool> allowed) => new(_rules, _names, allowed, _stackDepth);
}
