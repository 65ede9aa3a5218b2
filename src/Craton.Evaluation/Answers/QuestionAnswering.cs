using Craton.Data;
using Craton.Tensors;

namespace Craton.Evaluation;

/// <summary>A question and its right answers.</summary>
/// <param name="Text">What is asked.</param>
/// <param name="Answers">What counts as right, at least one; the best counts.</param>
/// <param name="Kind">Groups questions in reports. Of the kind <see cref="MemberKind"/>, the answer is the name of an API member.</param>
public sealed record Question(string Text, IReadOnlyList<string> Answers, string Kind = "")
{
    /// <summary>The kind of the questions that ask for a member: <see cref="AnswerScores.Member"/> is counted for these.</summary>
    public const string MemberKind = "member";

    /// <summary>
    /// The question of a conversation: its last user turn, answered by the assistant turn after it. The kind is what follows the last
    /// question mark of the id, as <see cref="ApiQuestions"/> writes it, or empty.
    /// </summary>
    /// <exception cref="CratonException">The conversation does not end with a user turn and an assistant turn.</exception>
    public static Question Of(Conversation conversation)
    {
        if (conversation.Turns is not [.., { Role: "user" } asked, { Role: "assistant" } answered])
            throw new CratonException($"{conversation.Source}: a question needs a user turn and an assistant turn at the end, but '{conversation.Id}' has the roles [{string.Join(", ", conversation.Turns.Select(t => t.Role))}]; leave it out.");
        int mark = conversation.Id.LastIndexOf('?');
        return new Question(asked.Content, [answered.Content], mark < 0 ? "" : conversation.Id[(mark + 1)..]);
    }
}

/// <summary>Scores of one or more answers, as means in [0, 1].</summary>
/// <param name="Questions">Answers scored.</param>
/// <param name="ExactMatch">Share that is right word for word (<see cref="SquadMetrics.ExactMatch"/>).</param>
/// <param name="F1">Token F1 (<see cref="SquadMetrics.F1"/>).</param>
/// <param name="RougeL">F of ROUGE-L (<see cref="Rouge.L"/>).</param>
/// <param name="Member">Share of the questions for a member that name the right one (<see cref="MemberAnswers.SameMember"/>); null where there is no such question.</param>
public sealed record AnswerScores(long Questions, double ExactMatch, double F1, double RougeL, double? Member);

/// <summary>Scores over the questions of one kind.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Scores">The means.</param>
public sealed record KindScores(string Kind, AnswerScores Scores);

/// <summary>What a system made of a set of questions.</summary>
/// <param name="All">Over all questions.</param>
/// <param name="Kinds">By kind, in the order in which the kinds first occur.</param>
public sealed record QuestionAnsweringScore(AnswerScores All, IReadOnlyList<KindScores> Kinds);

/// <summary>Measures systems that answer questions with free text.</summary>
public static class QuestionAnswering
{
    /// <summary>Asks every question once, in order, and scores the answers.</summary>
    /// <param name="answer">The system.</param>
    /// <param name="questions">The questions.</param>
    /// <exception cref="CratonException">There is no question, or one has no answer.</exception>
    public static QuestionAnsweringScore Evaluate(Func<string, string> answer, IEnumerable<Question> questions)
    {
        var all = new List<AnswerScores>();
        var kinds = new OrderedDictionary<string, List<AnswerScores>>(StringComparer.Ordinal);
        foreach (Question question in questions)
        {
            AnswerScores scores = Score(answer(question.Text), question);
            all.Add(scores);
            if (!kinds.TryGetValue(question.Kind, out List<AnswerScores>? kind)) kinds.Add(question.Kind, kind = []);
            kind.Add(scores);
        }
        if (all.Count == 0) throw new CratonException("The evaluation needs at least one question, got none; check the split and the file.");
        return new QuestionAnsweringScore(Mean(all), [.. kinds.Select(k => new KindScores(k.Key, Mean(k.Value)))]);
    }

    /// <summary>Scores one answer; each score is that of the right answer for which it is highest.</summary>
    /// <exception cref="CratonException">The question has no right answer.</exception>
    public static AnswerScores Score(string prediction, Question question)
    {
        IReadOnlyList<string> answers = question.Answers;
        if (answers.Count == 0) throw new CratonException($"A question needs at least one right answer, but '{question.Text}' has none; leave it out.");
        return new AnswerScores(
            1,
            answers.Max(a => SquadMetrics.ExactMatch(prediction, a)),
            answers.Max(a => SquadMetrics.F1(prediction, a)),
            answers.Max(a => Rouge.L(prediction, a).F),
            question.Kind == Question.MemberKind ? answers.Max(a => MemberAnswers.SameMember(prediction, a)) : null);
    }

    private static AnswerScores Mean(List<AnswerScores> scores) => new(
        scores.Sum(s => s.Questions),
        scores.Average(s => s.ExactMatch),
        scores.Average(s => s.F1),
        scores.Average(s => s.RougeL),
        scores.Average(s => s.Member)); // of those that have it; null where none does
}
