using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Craton.Tensors;
using Craton.Tokenizers;
using Craton.Training.Recipes;
using Spectre.Console;

namespace Craton.Cli.Verbs;

/// <summary><c>craton tok train | encode | decode | inspect</c>: vocabularies.</summary>
internal sealed class TokVerb : Verb
{
    private readonly Option<string> _tokenizer = new("--model", "-m") { Description = "A tokenizer, a model or built data", Required = true };

    public override Command Build() => new("tok", "Train, use and look at tokenizers") { Train(), Encode(), Decode(), Inspect() };

    private static Command Train()
    {
        var files = new Argument<string[]>("SOURCE") { Description = TextSources.Help, Arity = ArgumentArity.OneOrMore };
        var size = new Option<int>("--vocab-size") { Description = "Number of ids: special tokens, 256 bytes, merges", Required = true };
        var folder = new Option<string>("--out") { Description = "Directory to write tokenizer.json to", Required = true };
        var pattern = new Option<string>("--pattern") { Description = "How text is cut before merging", DefaultValueFactory = _ => "cl100k" };
        pattern.AcceptOnlyFromAmong("gpt2", "cl100k", "o200k");
        var special = new Option<string[]>("--special") { Description = $"Control tokens; may be given several times (default: {string.Join(" ", Corpus.SpecialTokens)})", DefaultValueFactory = _ => Corpus.SpecialTokens };
        var command = new Command("train", "Train a byte-pair vocabulary") { files, size, folder, pattern, special };
        OnRun(command, (parsed, output) =>
        {
            string target = parsed.GetValue(folder)!;
            if (File.Exists(Path.Combine(target, "tokenizer.json"))) throw new CratonException($"'{target}' holds a tokenizer already; choose another folder");
            long bytes = 0;
            IEnumerable<string> texts = TextSources.Read(parsed.GetValue(files)!, linesAreDocuments: false, new SourceReader(output.Info)).Select(d =>
            {
                bytes += Encoding.UTF8.GetByteCount(d.Text);
                return d.Text;
            });
            SplitPattern split = parsed.GetValue(pattern) switch { "gpt2" => SplitPattern.Gpt2, "o200k" => SplitPattern.O200k, _ => SplitPattern.Cl100k };
            BpeTokenizer tokenizer = TextSources.TrainTokenizer(texts, parsed.GetValue(size), split, parsed.GetValue(special)!);
            tokenizer.Save(target);
            output.Result(new JsonObject { ["tokenizer_dir"] = target, ["vocab_size"] = tokenizer.VocabularySize, ["merges"] = tokenizer.MergeCount, ["training_bytes"] = bytes });
            if (!output.IsJson) output.Line($"{tokenizer.VocabularySize:N0} tokens ({tokenizer.MergeCount:N0} merges) from {bytes:N0} bytes: {target}");
            return 0;
        });
        return command;
    }

    private Command Encode()
    {
        var text = new Argument<string?>("TEXT") { Description = "The text; nothing or '-' reads standard input", Arity = ArgumentArity.ZeroOrOne };
        var allowSpecial = new Option<bool>("--allow-special") { Description = "Read special tokens written in the text as such (trusted text only)" };
        var command = new Command("encode", "Text to ids; with --json also offsets (start and end of each token in characters, that is Unicode code points, as Hugging Face tokenizers count them) and tokens") { _tokenizer, text, allowSpecial };
        OnRun(command, (parsed, output) =>
        {
            Tokenizer tokenizer = TextSources.LoadTokenizer(parsed.GetValue(_tokenizer)!);
            string input = parsed.GetValue(text) is { } given and not "-" ? given : Console.In.ReadToEnd();
            int[] characters = CharactersBefore(input);
            TokenSpan[] spans = tokenizer.EncodeWithOffsets(input, parsed.GetValue(allowSpecial));
            output.Result(new JsonObject
            {
                ["ids"] = TokenIds.Json(spans.Select(s => s.Id)),
                ["offsets"] = new JsonArray([.. spans.Select(JsonNode (s) => new JsonArray(characters[s.Start], characters[s.End]))]),
                ["tokens"] = new JsonArray([.. spans.Select(JsonNode (s) => tokenizer.Decode([s.Id], skipSpecial: false))]),
            });
            if (!output.IsJson) output.Line(string.Join(' ', spans.Select(s => s.Id)));
            return 0;
        });
        return command;
    }

    // For each UTF-16 unit of a text and its end, the number of code points before it.
    private static int[] CharactersBefore(string text)
    {
        int[] before = new int[text.Length + 1];
        for (int i = 0; i < text.Length; i++)
            before[i + 1] = before[i] + (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]) ? 0 : 1);
        return before;
    }

    private Command Decode()
    {
        var ids = new Argument<string[]>("IDS") { Description = "Ids, separated by commas or blanks; nothing or '-' reads standard input", Arity = ArgumentArity.ZeroOrMore };
        var special = new Option<bool>("--special") { Description = "Show special tokens too" };
        var command = new Command("decode", "Ids to text") { _tokenizer, ids, special };
        OnRun(command, (parsed, output) =>
        {
            Tokenizer tokenizer = TextSources.LoadTokenizer(parsed.GetValue(_tokenizer)!);
            string input = parsed.GetValue(ids) is { Length: > 0 } given && given[0] != "-" ? string.Join(' ', given) : Console.In.ReadToEnd();
            int[] tokens = TokenIds.Parse("IDS", input);
            if (Array.FindIndex(tokens, t => t >= tokenizer.VocabularySize) is var at and >= 0)
                throw new CratonException($"IDS: {tokens[at]} is outside the vocabulary of {tokenizer.VocabularySize} ids; use the tokenizer that made the ids");
            string text = tokenizer.Decode(tokens, skipSpecial: !parsed.GetValue(special));
            output.Result(new JsonObject { ["text"] = text });
            if (!output.IsJson) output.Line(text);
            return 0;
        });
        return command;
    }

    private Command Inspect()
    {
        var sample = new Argument<string[]>("SAMPLE") { Description = $"Texts to measure on: {TextSources.Help}", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("inspect", "Size, kind, special tokens, and how well a sample is compressed") { _tokenizer, sample };
        OnRun(command, (parsed, output) =>
        {
            Tokenizer tokenizer = TextSources.LoadTokenizer(parsed.GetValue(_tokenizer)!);
            int[] specials = [.. Enumerable.Range(0, tokenizer.VocabularySize).Where(tokenizer.IsSpecial)];
            var json = new JsonObject
            {
                ["kind"] = Kind(tokenizer),
                ["vocab_size"] = tokenizer.VocabularySize,
                ["merges"] = tokenizer is BpeTokenizer bpe ? bpe.MergeCount : null,
                ["end_of_text"] = tokenizer.EndOfText,
                ["chat_template"] = tokenizer.ChatTemplate is not null,
                ["special"] = new JsonObject(specials.Select(id => KeyValuePair.Create(tokenizer.Decode([id], skipSpecial: false), (JsonNode?)id))),
            };
            if (parsed.GetValue(sample) is { Length: > 0 } sources) json["sample"] = Measure(tokenizer, sources, output);
            output.Result(json);
            if (!output.IsJson) Show(json);
            return 0;
        });
        return command;
    }

    private static string Kind(Tokenizer tokenizer) => tokenizer switch
    {
        BpeTokenizer { MergeCount: 0 } => "byte",
        BpeTokenizer => "bpe",
        CharTokenizer => "char",
        PipelineTokenizer pipeline => pipeline.ModelType.ToLowerInvariant(),
        SentencePieceTokenizer => "sentencepiece",
        _ => tokenizer.GetType().Name,
    };

    private static JsonObject Measure(Tokenizer tokenizer, string[] sources, Output output)
    {
        long bytes = 0, words = 0, tokens = 0;
        foreach (string text in TextSources.Read(sources, linesAreDocuments: false, new SourceReader(output.Info)).Select(d => d.Text))
        {
            bytes += Encoding.UTF8.GetByteCount(text);
            words += text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
            tokens += tokenizer.Encode(text).Length;
        }
        return new JsonObject
        {
            ["bytes"] = bytes,
            ["tokens"] = tokens,
            ["bytes_per_token"] = Output.Number((double)bytes / tokens),
            ["tokens_per_word"] = Output.Number((double)tokens / words),
        };
    }

    private static void Show(JsonObject json)
    {
        var table = new Table().Border(TableBorder.None).HideHeaders().AddColumns("", "");
        foreach ((string name, JsonNode? value) in json)
            if (value is not null) table.AddRow(new Text(name.Replace('_', ' ')), new Text(Plain(value)));
        AnsiConsole.Write(table);
    }

    private static string Plain(JsonNode value) => value switch
    {
        JsonObject map => string.Join(", ", map.Select(p => $"{p.Key} {Plain(p.Value!)}")),
        JsonValue number when number.TryGetValue(out double real) => real.ToString("0.###", CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };
}
