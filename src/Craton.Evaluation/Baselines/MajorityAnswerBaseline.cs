using Craton.Tensors;

namespace Craton.Evaluation;

/// <summary>Gives the answer that is most frequent in training, whatever is asked; the first of those equally frequent.</summary>
public sealed class MajorityAnswerBaseline
{
    private readonly string _answer;

    private MajorityAnswerBaseline(string answer) => _answer = answer;

    /// <summary>Counts the training answers (the first of each question).</summary>
    /// <exception cref="CratonException">There is no training question.</exception>
    public static MajorityAnswerBaseline Train(IEnumerable<Question> questions)
    {
        var counts = new OrderedDictionary<string, int>(StringComparer.Ordinal);
        foreach (Question question in questions) counts[question.Answers[0]] = counts.GetValueOrDefault(question.Answers[0]) + 1;
        if (counts.Count == 0) throw new CratonException("The majority baseline needs at least one training question, got none.");
        return new MajorityAnswerBaseline(counts.MaxBy(c => c.Value).Key);
    }

    /// <summary>The answer.</summary>
    public string Answer(string question) => _answer;
}
