using Craton.Data;
using Craton.Tensors;

namespace Craton.Evaluation.Tests;

public sealed class AnswerTests
{
    [Theory]
    [InlineData("The cat, sat!", "cat sat", 1, 1)]
    [InlineData("cat", "cat sat", 0, 2.0 / 3)]
    [InlineData("a a b", "b b a", 0, 2.0 / 3)] // without the articles: b against b b
    [InlineData("x", "y", 0, 0)]
    public void SquadScores(string prediction, string answer, double exact, double f1)
    {
        Assert.Equal(exact, SquadMetrics.ExactMatch(prediction, answer));
        Assert.Equal(f1, SquadMetrics.F1(prediction, answer), 12);
    }

    [Fact]
    public void RougeLIsTheLongestCommonSubsequence()
    {
        Overlap overlap = Rouge.L("police kill the gunman", "police killed the gunman"); // Lin 2004, section 3
        Assert.Equal((0.75, 0.75, 0.75), (overlap.Precision, overlap.Recall, overlap.F));
        Assert.Equal(0.5, Rouge.L("the gunman kill police", "police killed the gunman").F);
        Assert.Equal(2.0 / 3, Rouge.N("a b c d", "a b c e", 2).F, 12);
        Assert.Equal(0, Rouge.L("", "a").F);
    }

    [Theory]
    [InlineData("System.String.Substring(int, int)", "System.String.Substring")]
    [InlineData("It is `System.String.Substring(int, int)`.", "System.String.Substring")]
    [InlineData("Use System.Collections.Generic.Dictionary<TKey, TValue>.Add(TKey, TValue)", "System.Collections.Generic.Dictionary<TKey, TValue>.Add")]
    [InlineData("System.ConsoleModifiers.Control.", "System.ConsoleModifiers.Control")]
    [InlineData("System.A.B or System.C.D", "System.A.B")]
    [InlineData("no member. At all", "")]
    [InlineData("3.14 is System.Math.PI", "System.Math.PI")]
    [InlineData("", "")]
    public void FindsTheMemberAnAnswerNames(string text, string name) => Assert.Equal(name, MemberAnswers.NameIn(text));

    [Fact]
    public void OnlyTheFirstNamedMemberCounts()
    {
        Assert.Equal(1, MemberAnswers.SameMember("System.A.F(int)", "System.A.F(string)"));
        Assert.Equal(0, MemberAnswers.SameMember("System.B.F, System.A.F", "System.A.F"));
        Assert.Equal(0, MemberAnswers.SameMember("", "nothing"));
    }

    [Fact]
    public void ScoresAreMeansOverAllAndByKind()
    {
        Question[] questions = [new("1", ["red", "dark red"], "colour"), new("2", ["blue"], "colour"), new("3", ["N.T.M(int)"], Question.MemberKind)];
        QuestionAnsweringScore score = QuestionAnswering.Evaluate(q => q switch { "1" => "The dark red.", "2" => "blue sky", _ => "N.T.M()" }, questions);
        Assert.Equal(["colour", "member"], score.Kinds.Select(k => k.Kind));
        AnswerScores colour = score.Kinds[0].Scores, member = score.Kinds[1].Scores;
        Assert.Equal((2, 0.5, null), (colour.Questions, colour.ExactMatch, colour.Member));
        Assert.Equal((1 + 2.0 / 3) / 2, colour.F1, 12);
        Assert.Equal((1, 1.0), (member.Questions, member.Member));
        Assert.Equal(0, member.ExactMatch);
        Assert.Equal((3, 1.0), (score.All.Questions, score.All.Member));
        Assert.Throws<CratonException>(() => QuestionAnswering.Evaluate(q => q, []));
        Assert.Throws<CratonException>(() => QuestionAnswering.Evaluate(q => q, [new Question("1", [])]));
    }

    [Fact]
    public void QuestionsComeFromConversations()
    {
        Question question = Question.Of(new("M:N.T.M?member", [new("system", "s"), new("user", "which?"), new("assistant", "N.T.M")], "N.xml"));
        Assert.Equal(("which?", "N.T.M", "member"), (question.Text, question.Answers[0], question.Kind));
        Assert.Equal("", Question.Of(new("7", [new("user", "q"), new("assistant", "a")], "f:7")).Kind);
        string message = Assert.Throws<CratonException>(() => Question.Of(new Conversation("7", [new("user", "q")], "f:7"))).Message;
        Assert.Contains("f:7", message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheReportIsTwoTables()
    {
        var report = new EvaluationReport(
            [new("model", new BitsPerByte(1000, 800), 2.5), new("brotli", new BitsPerByte(2000, 800), null, "no training text")],
            [new("model", new(new(3, 0.5, 0.25, 0.125, null), [new("colour", new(2, 1, 1, 1, null)), new("member", new(1, 0, 0, 0, 1))]))]);
        Assert.Equal("""
            | model | bits per byte | bytes | seconds | |
            |---|--:|--:|--:|---|
            | model | 1.2500 | 800 | 2.5 |  |
            | brotli | 2.5000 | 800 |  | no training text |

            | system | kind | questions | exact match | F1 | ROUGE-L | right member |
            |---|---|--:|--:|--:|--:|--:|
            | model | all | 3 | 0.5000 | 0.2500 | 0.1250 |  |
            | model | colour | 2 | 1.0000 | 1.0000 | 1.0000 |  |
            | model | member | 1 | 0.0000 | 0.0000 | 0.0000 | 1.0000 |

            """.ReplaceLineEndings("\n"), report.ToMarkdown());
    }
}
