using Craton.Tokenizers.Files;

namespace Craton.Tokenizers;

/// <summary>Reads the <c>post_processor</c> of a file.</summary>
internal static class PostProcessorReader
{
    private const string Supported = "ByteLevel, TemplateProcessing, BertProcessing, RobertaProcessing and a Sequence of these";

    /// <summary>Reads the component; null gives one that changes nothing.</summary>
    /// <param name="component">The component.</param>
    /// <param name="ids">The number of ids: no template may name a larger one.</param>
    public static PostProcessor Read(JsonFields? component, int ids)
    {
        if (component is not { } json)
            return PostProcessor.None;
        var steps = new List<PostProcessor>();
        AddTo(steps, json);
        TemplateProcessor[] templates = [.. steps.OfType<TemplateProcessor>()];
        if (templates.Length > 1)
            throw json.Unsupported("several templates", "one in a Sequence");
        if (templates.SelectMany(t => t.Ids).Any(id => id >= ids))
            throw json.Error($"names an id outside the vocabulary of {ids} ids");
        return new SequenceProcessor(steps);
    }

    private static void AddTo(List<PostProcessor> steps, JsonFields json)
    {
        switch (json.Type())
        {
            case "ByteLevel":
                AddTrim(steps, json);
                break;
            case "RobertaProcessing":
                AddTrim(steps, json);
                steps.Add(Fixed(json, typeOfSecond: 0, separators: 2, typesOverflow: true));
                break;
            case "BertProcessing":
                steps.Add(Fixed(json, typeOfSecond: 1, separators: 1, typesOverflow: false));
                break;
            case "TemplateProcessing":
                steps.Add(Template(json));
                break;
            case "Sequence":
                foreach (JsonFields step in json.Require("processors").Items())
                    AddTo(steps, step);
                break;
            default:
                throw json.Unsupported(json.Type(), Supported);
        }
    }

    private static void AddTrim(List<PostProcessor> steps, JsonFields json)
    {
        if (json.Flag("trim_offsets", absent: true))
            steps.Add(new TrimProcessor(json.Flag("add_prefix_space", absent: true)));
    }

    /// <summary>The template that BERT and RoBERTa have built in.</summary>
    private static TemplateProcessor Fixed(JsonFields json, int typeOfSecond, int separators, bool typesOverflow)
    {
        TemplatePiece cls = Special(json, "cls", 0), sep = Special(json, "sep", 0), last = Special(json, "sep", typeOfSecond);
        TemplatePiece[] single = [cls, Text(0, 0), sep];
        TemplatePiece[] pair = [.. single, .. Enumerable.Repeat(sep, separators - 1), Text(1, typeOfSecond), last];
        return new TemplateProcessor(single, pair, typesOverflow);
    }

    private static TemplatePiece Special(JsonFields json, string field, int type)
    {
        JsonFields[] pair = [.. json.Require(field).Items()];
        return pair.Length == 2
            ? new TemplatePiece(type, -1, [Token(pair[1].Id(), pair[0].Text(), type)])
            : throw json.Require(field).Error("is not a pair of token and id");
    }

    private static TemplateProcessor Template(JsonFields json)
    {
        JsonFields specials = json.Require("special_tokens");
        TemplatePiece[] single = [.. json.Require("single").Items().Select(p => Piece(p, specials, sequences: 1))];
        TemplatePiece[] pair = [.. json.Require("pair").Items().Select(p => Piece(p, specials, sequences: 2))];
        return new TemplateProcessor(single, pair);
    }

    private static TemplatePiece Piece(JsonFields json, JsonFields specials, int sequences)
    {
        if (json.Find("Sequence") is { } sequence)
        {
            int number = sequence.Require("id").Text() == "A" ? 0 : 1;
            return number < sequences ? Text(number, TypeOf(sequence)) : throw json.Error("names the second of one text");
        }

        JsonFields special = json.Find("SpecialToken") ?? throw json.Error($"is {json.Short()}, expected SpecialToken or Sequence");
        JsonFields token = specials.Require(special.Require("id").Text());
        JsonFields[] ids = [.. token.Require("ids").Items()], texts = [.. token.Require("tokens").Items()];
        if (ids.Length != texts.Length)
            throw token.Error($"has {ids.Length} ids and {texts.Length} tokens, expected as many of each");
        int type = TypeOf(special);
        return new TemplatePiece(type, -1, [.. ids.Zip(texts, (id, text) => Token(id.Id(), text.Text(), type))]);
    }

    private static TemplatePiece Text(int number, int type) => new(type, number, []);

    private static EncodedToken Token(int id, string text, int type) => new(id, text, 0, 0) { TypeId = type, IsAdded = true };

    private static int TypeOf(JsonFields json) => json.Find("type_id")?.Id() ?? 0;
}
