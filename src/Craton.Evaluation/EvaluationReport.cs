using System.Globalization;
using System.Text;

namespace Craton.Evaluation;

/// <summary>One row: a model or baseline and its bits per byte.</summary>
/// <param name="Name">The model.</param>
/// <param name="BitsPerByte">Its code length over the held-out documents.</param>
/// <param name="Seconds">What training (for a compressor: compressing) took, or null where unknown.</param>
/// <param name="Note">What the reader should know, e.g. that it has seen no training text.</param>
public sealed record LanguageModelRow(string Name, BitsPerByte BitsPerByte, double? Seconds = null, string Note = "");

/// <summary>One row: a system and its answers' scores.</summary>
/// <param name="Name">The system.</param>
/// <param name="Score">Its scores, over all questions and by kind.</param>
public sealed record AnswerRow(string Name, QuestionAnsweringScore Score);

/// <summary>The tables of an evaluation; plain records, so they are written as JSON as they are.</summary>
/// <param name="LanguageModels">Bits per byte of the model and of its baselines, over the same documents.</param>
/// <param name="Answers">Scores of the model and of its baselines, over the same questions.</param>
public sealed record EvaluationReport(IReadOnlyList<LanguageModelRow> LanguageModels, IReadOnlyList<AnswerRow> Answers)
{
    /// <summary>The tables in Markdown, in the order of the rows; a table without rows is left out.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        if (LanguageModels.Count > 0)
        {
            text.Append("| model | bits per byte | bytes | seconds | |\n|---|--:|--:|--:|---|\n");
            foreach (LanguageModelRow row in LanguageModels)
                text.Append(CultureInfo.InvariantCulture, $"| {row.Name} | {row.BitsPerByte.Value:F4} | {row.BitsPerByte.Bytes} | {row.Seconds:F1} | {row.Note} |\n");
        }
        if (Answers.Count == 0) return text.ToString();
        if (text.Length > 0) text.Append('\n');
        text.Append("| system | kind | questions | exact match | F1 | ROUGE-L | right member |\n|---|---|--:|--:|--:|--:|--:|\n");
        foreach (AnswerRow row in Answers)
        {
            Append(text, row.Name, "all", row.Score.All);
            foreach (KindScores kind in row.Score.Kinds.Where(k => k.Kind.Length > 0)) Append(text, row.Name, kind.Kind, kind.Scores);
        }
        return text.ToString();
    }

    private static void Append(StringBuilder text, string name, string kind, AnswerScores scores)
    {
        text.Append(CultureInfo.InvariantCulture, $"| {name} | {kind} | {scores.Questions} | {scores.ExactMatch:F4} | {scores.F1:F4} | {scores.RougeL:F4} | {scores.Member:F4} |\n");
    }
}
