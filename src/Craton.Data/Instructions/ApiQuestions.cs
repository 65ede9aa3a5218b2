namespace Craton.Data;

/// <summary>
/// Questions and answers about API members, made from their documentation: training data for instructions, and test data whose
/// right answers are known. The phrasing of each question is chosen by a hash of the member, so the set is the same every time.
/// </summary>
public static class ApiQuestions
{
    private const int MinWords = 4;

    private static readonly string[] s_typePurpose = ["What is {0}?", "What is {0} for?", "Describe the type {0}.", "Explain {0} in a sentence."];
    private static readonly string[] s_purpose = ["What does {0} do?", "What is {0} for?", "Explain {0}.", "Describe what {0} does.", "In short, what does {0} do?"];
    private static readonly string[] s_valuePurpose = ["What is {0}?", "What does {0} mean?", "Explain {0}.", "Describe {0}."];
    private static readonly string[] s_exceptions = ["Which exceptions does {0} throw?", "What can {0} throw, and when?", "When does {0} fail?", "List the exceptions of {0}."];
    private static readonly string[] s_returns = ["What does {0} return?", "What is the result of {0}?", "Describe the return value of {0}."];
    private static readonly string[] s_values = ["What is the value of {0}?", "What value does {0} have?"];
    private static readonly string[] s_parameters = ["What is the parameter {1} of {0}?", "What does {1} mean in {0}?", "Explain the argument {1} of {0}."];
    private static readonly string[] s_members = ["Which member of .NET fits this description? {0}", "Name the .NET API: {0}", "What is the .NET member described so: {0}", "Which API would you use? {0}"];

    /// <summary>
    /// The conversations, in the order of the members; each has one user turn and one assistant turn. Their
    /// <see cref="Conversation.Group"/> is the member's, so a <see cref="Splitter"/> holds out whole types, and the same types as it
    /// does for the members' pages.
    /// </summary>
    /// <param name="members">The members.</param>
    /// <param name="seed">Another seed, other phrasings.</param>
    public static IEnumerable<Conversation> From(IReadOnlyList<ApiMember> members, ulong seed = 0)
    {
        // A description asks for "the" member only where no other has the same.
        var times = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (ApiMember member in members) times[member.Summary] = times.GetValueOrDefault(member.Summary) + 1;
        foreach (ApiMember member in members)
        {
            foreach (Conversation conversation in About(member, times[member.Summary] == 1, seed)) yield return conversation;
        }
    }

    private static IEnumerable<Conversation> About(ApiMember member, bool unique, ulong seed)
    {
        ulong hash = StableHash.Of(member.Id, seed);
        string name = member.Signature;
        bool described = Words.Split(member.Summary).Count >= MinWords;
        if (described) yield return Ask(member, "purpose", Phrase(Purpose(member.Kind), hash, 1, name), member.Summary);
        if (described && unique) yield return Ask(member, "member", Phrase(s_members, hash, 2, member.Summary), name);
        if (member.Returns.Length > 0)
            yield return Ask(member, "returns", Phrase(member.Kind == ApiMemberKind.Property ? s_values : s_returns, hash, 3, name), member.Returns);
        if (member.Exceptions.Count > 0)
            yield return Ask(member, "exceptions", Phrase(s_exceptions, hash, 4, name), string.Join('\n', member.Exceptions.Select(e => e.Text.Length > 0 ? $"- {e.Name}: {e.Text}" : $"- {e.Name}")));

        ApiPart[] parameters = [.. member.Parameters.Where(p => p.Text.Length > 0 && p.Name.Length > 0)];
        if (parameters.Length == 0) yield break;
        ApiPart chosen = parameters[(int)StableHash.Below(StableHash.Combine(hash, 5), (ulong)parameters.Length)];
        yield return Ask(member, "parameter", Phrase(s_parameters, hash, 6, name, chosen.Name), chosen.Text);
    }

    private static string[] Purpose(ApiMemberKind kind) => kind switch
    {
        ApiMemberKind.Type => s_typePurpose,
        ApiMemberKind.Field or ApiMemberKind.Property or ApiMemberKind.Event => s_valuePurpose,
        _ => s_purpose,
    };

    private static string Phrase(string[] phrases, ulong hash, ulong question, string first, string second = "")
    {
        string phrase = phrases[StableHash.Below(StableHash.Combine(hash, question), (ulong)phrases.Length)];
        return phrase.Replace("{1}", second, StringComparison.Ordinal).Replace("{0}", first, StringComparison.Ordinal);
    }

    private static Conversation Ask(ApiMember member, string kind, string question, string answer) =>
        new($"{member.Id}?{kind}", [new ChatTurn("user", question), new ChatTurn("assistant", answer)], $"{member.Assembly}.xml") { Group = member.Group };
}
