using Craton.Cli.Evaluation;
using Craton.Data;
using Craton.Evaluation;
using Craton.Models;
using Craton.Models.Generation;
using Craton.Tensors;
using Craton.Tokenizers;
using Craton.Training.Recipes;

namespace Craton.Cli.Quickstart;

/// <summary>A held-out question, what the model says, and what the documentation says.</summary>
internal sealed record QuickstartAnswer(string Question, string Answer, string Truth);

/// <summary>Bits per byte of held-out members for the model and for what it must beat.</summary>
internal sealed record QuickstartScores(double Model, double Unigram, double Ngram5, double Brotli);

/// <summary>The evaluation at the end of a quickstart, on members that no training has seen.</summary>
internal static class QuickstartEvaluation
{
    private const int Questions = 5, LeastAnswer = 40;

    /// <summary>Scores the pre-trained model and the baselines, all trained on the same text.</summary>
    public static QuickstartScores Score(TextModel model, string tokens, int documents)
    {
        using var train = new TokenShards(tokens, Split.Train);
        using var test = new TokenShards(tokens, Split.Test);
        string[] heldOut = [.. Texts(test, model.Tokenizer, documents)];
        var options = new LanguageModelEvaluationOptions(model.Model.Config.MaxPositionEmbeddings);
        LanguageModelScore score = LanguageModelEvaluation.BitsPerByte(Scorer(model.Model), heldOut, model.Tokenizer, options);
        return new QuickstartScores(
            score.BitsPerByte.Value,
            UnigramBaseline.Train(Texts(train, model.Tokenizer), model.Tokenizer).Measure(heldOut).Value,
            ByteNgramBaseline.Train(Texts(train, model.Tokenizer)).Measure(heldOut).Value,
            BrotliBaseline.Measure(heldOut).Value);
    }

    /// <summary>Five questions about held-out members, chosen by a hash.</summary>
    public static IReadOnlyList<QuickstartAnswer> Ask(string folder, DataSettings data)
    {
        TextModel model = TextModel.LoadForInference(folder);
        ChatTemplate template = model.NeedTemplate(folder);
        var generator = new TextGenerator(model.Model, model.Tokenizer);
        var answers = new List<QuickstartAnswer>();
        var splitter = new Splitter(data.ValidFraction, data.TestFraction);
        IEnumerable<Conversation> candidates = Sft.Conversations(data, new SourceReader(_ => { }))
            .Where(c => splitter.Of(c) == Split.Test)
            .OrderBy(c => StableHash.Of(c.Id));
        foreach (Conversation conversation in candidates)
        {
            if (AnswersTask.Answer(generator, template, [conversation.Turns[0]], LeastAnswer) is not { } answer) continue;
            answers.Add(new QuickstartAnswer(conversation.Turns[0].Content, answer, conversation.Turns[1].Content));
            if (answers.Count == Questions) break;
        }
        return answers;
    }

    /// <summary>Nats of every token but the first, from one pass of the model.</summary>
    public static TokenScorer Scorer(CausalLanguageModel model) => tokens =>
    {
        using (TensorScope.Open("score"))
        {
            Tensor ids = Tensor.From(tokens.AsSpan(..^1), 1, tokens.Length - 1), targets = Tensor.From(tokens.AsSpan(1..), 1, tokens.Length - 1);
            Tensor losses = model.Loss(ids, targets, options: CrossEntropyOptions.Default with { Reduction = Reduction.None });
            return Array.ConvertAll(losses.ToArray<float>(), nats => (double)Math.Max(0, nats));
        }
    };

    // Byte-level tokens give the text back exactly.
    private static IEnumerable<string> Texts(TokenShards shards, Tokenizer tokenizer, int most = int.MaxValue)
    {
        for (long i = 0; i < Math.Min(most, shards.Documents); i++)
        {
            (long start, int length) = shards.Document(i);
            int[] ids = new int[length];
            shards.Read(start, ids);
            yield return tokenizer.Decode(ids);
        }
    }
}
