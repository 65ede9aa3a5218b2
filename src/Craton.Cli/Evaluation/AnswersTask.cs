using System.Globalization;
using System.Text.Json.Nodes;
using Craton.Data;
using Craton.Evaluation;
using Craton.Models;
using Craton.Models.Generation;
using Craton.Tensors;
using Craton.Training.Recipes;
using Spectre.Console;

namespace Craton.Cli.Evaluation;

/// <summary>Answers to held-out questions, beside the answer of the most similar training question.</summary>
internal sealed class AnswersTask : EvalTask
{
    private const int AnswerTokens = 80;

    public override string Name => "answers";

    public override string Description => "held-out questions of the tuning data: exact match, F1, ROUGE-L, beside the answer of the nearest training question";

    public override JsonObject Run(EvalRequest request)
    {
        ChatTemplate template = request.Model.NeedTemplate(request.Folder);
        (Conversation[] train, Conversation[] test) = Conversations(request);
        request.Output.Info($"asking {test.Length:N0} held-out questions; the nearest of {train.Length:N0} training questions is the baseline");
        var generator = new TextGenerator(request.Model.Model, request.Model.Tokenizer);
        string[] answers = [.. test.Select(c => Answer(generator, template, c.Turns.SkipLast(1)) ?? "")];
        Question[] questions = [.. test.Select(Question.Of)];
        int next = 0;
        QuestionAnsweringScore model = QuestionAnswering.Evaluate(_ => answers[next++], questions);
        QuestionAnsweringScore nearest = QuestionAnswering.Evaluate(NearestQuestionBaseline.Train(train.Select(Question.Of)).Answer, questions);
        var kinds = new JsonObject(model.Kinds.Zip(nearest.Kinds).Where(k => k.First.Kind.Length > 0)
            .Select(k => KeyValuePair.Create(k.First.Kind, (JsonNode?)Scores(k.First.Scores, k.Second.Scores))));
        JsonObject all = Scores(model.All, nearest.All);
        all["kinds"] = kinds;
        return new JsonObject { ["answers"] = all };
    }

    public override void Show(JsonObject result, Output output)
    {
        JsonObject all = result["answers"]!.AsObject();
        var table = new Table().Border(TableBorder.Rounded).Title("Answers to held-out questions (higher is better)")
            .AddColumns("kind", "questions", "", "exact match", "F1", "ROUGE-L", "right member");
        Add("all", all);
        foreach ((string kind, JsonNode? scores) in all["kinds"]!.AsObject()) Add(kind, scores!.AsObject());
        AnsiConsole.Write(table);

        void Add(string kind, JsonObject scores)
        {
            foreach (string system in new[] { "model", "nearest_question" })
            {
                JsonObject row = scores[system]!.AsObject();
                table.AddRow(kind, ((long)scores["questions"]!).ToString("N0", CultureInfo.InvariantCulture), system.Replace('_', ' '), F(row["exact_match"]), F(row["f1"]), F(row["rouge_l"]), F(row["member"]));
            }
        }

        static string F(JsonNode? value) => ((double?)value)?.ToString("F3", CultureInfo.InvariantCulture) ?? "";
    }

    /// <summary>The model's answer to a conversation that ends with a question, always the likeliest tokens; null when the context leaves no room for it.</summary>
    /// <param name="generator">Writes.</param>
    /// <param name="template">Renders the conversation.</param>
    /// <param name="turns">The conversation.</param>
    /// <param name="least">Tokens that must be left for the answer.</param>
    public static string? Answer(TextGenerator generator, ChatTemplate template, IEnumerable<ChatTurn> turns, int least = 1)
    {
        int[] prompt = template.Prompt([.. turns]);
        int room = Math.Min(AnswerTokens, generator.Context - prompt.Length);
        if (room < least) return null;
        var options = new SamplingOptions { Temperature = 0, MaxTokens = room, RepetitionPenalty = 1.1 };
        return generator.Generate(prompt, options, ends: template.EndOfTurn is { } end ? [end] : []).Text.Trim();
    }

    private static (Conversation[] Train, Conversation[] Test) Conversations(EvalRequest request)
    {
        DataSettings data = DataOf(request, "sft", "lora") ?? new DataSettings();
        if (request.TestFraction is { } fraction) data = data with { TestFraction = fraction };
        var reader = new SourceReader(request.Output.Info);
        string[] sources = request.Sources.Length > 0 ? request.Sources : [data.Source];
        Conversation[] all = [.. sources.SelectMany(source => Sft.Conversations(data with { Source = source }, reader)).Where(IsQuestion)];
        ILookup<Split, Conversation> splits = all.ToLookup(Divider(data).Of);
        Conversation[] test = [.. splits[Split.Test].OrderBy(c => StableHash.Of(c.Id)).Take(request.Most)];
        return test.Length > 0 ? ([.. splits[Split.Train]], test) : throw NothingHeldOut(all.Length, "conversations", data.TestFraction);
    }

    // What is scored is the last answer of a conversation.
    private static bool IsQuestion(Conversation conversation) => conversation.Turns is [.., { Role: "user" }, { Role: "assistant" }];

    private static JsonObject Scores(AnswerScores model, AnswerScores nearest) =>
        new() { ["questions"] = model.Questions, ["model"] = Scores(model), ["nearest_question"] = Scores(nearest) };

    private static JsonObject Scores(AnswerScores scores) =>
        new() { ["exact_match"] = scores.ExactMatch, ["f1"] = scores.F1, ["rouge_l"] = scores.RougeL, ["member"] = scores.Member };
}
