namespace Craton.Data.Tests;

public class ApiQuestionsTests
{
    private static ApiMember Member(string id, string type, string name, string summary, string returns = "", params ApiPart[] exceptions) => new(
        id, ApiMemberKind.Method, "Demo", type, name, $"Demo.{type}.{name}(int)", summary, [], [new ApiPart("size", "How big it is to be.")], returns, exceptions, "", "Demo");

    private static readonly ApiMember[] s_members =
    [
        Member("M:Demo.A.One(System.Int32)", "A", "One", "Does the first thing well.", "The thing.", new ApiPart("ArgumentException", "It is bad."), new ApiPart("IOException", "")),
        Member("M:Demo.A.Two(System.Int32)", "A", "Two", "Does what others do too."),
        Member("M:Demo.B.Two(System.Int32)", "B", "Two", "Does what others do too."),
        Member("M:Demo.B.Short(System.Int32)", "B", "Short", "Short."),
    ];

    [Fact]
    public void Answers_come_from_the_documentation()
    {
        Conversation[] all = [.. ApiQuestions.From(s_members)];
        Assert.Equal(["purpose", "member", "returns", "exceptions", "parameter"], all.Take(5).Select(c => c.Id.Split('?')[1]));
        Assert.Equal(["Does the first thing well.", "Demo.A.One(int)", "The thing.", "- ArgumentException: It is bad.\n- IOException", "How big it is to be."], all.Take(5).Select(c => c.Turns[1].Content));
        Assert.All(all, c => Assert.Equal(["user", "assistant"], c.Turns.Select(t => t.Role)));
        Assert.All(all, c => Assert.DoesNotContain("{", c.Turns[0].Content, StringComparison.Ordinal));
        Assert.Contains("size", all[4].Turns[0].Content, StringComparison.Ordinal);
        Assert.Single(all, c => c.Id.EndsWith("?member", StringComparison.Ordinal)); // shared descriptions name no single member
        Assert.Equal(["parameter"], all.Where(c => c.Id.StartsWith("M:Demo.B.Short", StringComparison.Ordinal)).Select(c => c.Id.Split('?')[1]));
    }

    [Fact]
    public void Phrasings_vary_and_are_reproducible()
    {
        ApiMember[] many = [.. Enumerable.Range(0, 200).Select(i => Member($"M:Demo.C{i}.Run", $"C{i}", "Run", $"Runs the task number {i} now."))];
        string Text(ulong seed) => string.Join('\n', ApiQuestions.From(many, seed).Select(c => c.Turns[0].Content));
        Assert.Equal(Text(1), Text(1));
        Assert.NotEqual(Text(1), Text(2));
        string[] purposes = [.. ApiQuestions.From(many).Where(c => c.Id.EndsWith("?purpose", StringComparison.Ordinal)).Select(c => c.Turns[0].Content.Split("Demo")[0]).Distinct()];
        Assert.Equal(5, purposes.Length);
    }

    [Fact]
    public void Questions_fall_into_the_split_of_their_page()
    {
        var splitter = new Splitter(0.3, 0.3);
        foreach (ApiMember member in s_members)
            Assert.All(ApiQuestions.From([member]), c => Assert.Equal(splitter.Of(member.ToDocument()), splitter.Of(c)));
    }
}
