using System.CommandLine;
using System.Text.Json.Nodes;
using Craton.Data;
using Craton.Models;
using Craton.Models.Generation;
using Craton.Tensors;

namespace Craton.Cli.Verbs;

/// <summary><c>craton chat -m MODEL</c>: a conversation, a line at a time, from a terminal or a pipe.</summary>
internal sealed class ChatVerb : Verb
{
    private const int LeastAnswer = 64;

    private readonly ModelArguments _model = new("Directory of a model that was tuned to converse");
    private readonly Option<string?> _system = new("--system") { Description = "What the model is told before the conversation" };
    private readonly Option<string?> _message = new("--message") { Description = "Answer this one message and end" };
    private readonly SamplingArguments _sampling = new();

    public override Command Build()
    {
        var command = new Command("chat", "Converse with a model; Ctrl-C ends an answer, /reset begins anew, /exit ends") { _system, _message };
        _model.AddTo(command);
        _sampling.AddTo(command);
        OnRun(command, Run);
        return command;
    }

    private int Run(ParseResult parsed, Output output)
    {
        TextModel model = _model.Load(parsed);
        ChatTemplate template = model.NeedTemplate(_model.Adapter(parsed) ?? _model.Path(parsed));
        Queue<string>? given = parsed.GetValue(_message) is { } message ? new([message]) : null;
        bool live = given is null && !Console.IsInputRedirected && !output.IsJson;
        if (live) output.Info("/reset begins anew, /exit ends, Ctrl-C ends an answer");
        var conversation = new Conversing(model, template, parsed.GetValue(_system), _sampling, parsed, output);
        using var interrupt = new AnswerInterrupt(() => output.Info("(/exit or another Ctrl-C ends)"));
        var turns = new JsonArray();
        while (Next() is { } line && line != "/exit")
        {
            if (line == "/reset") conversation.Reset();
            else if (!string.IsNullOrWhiteSpace(line))
            {
                GenerationResult answer;
                try
                {
                    answer = interrupt.Run(cancel => conversation.Say(line, cancel));
                }
                catch (CratonException e) when (live)
                {
                    output.Error(e.Message); // a script gets exit code 2, a person another try
                    continue;
                }
                turns.Add((JsonNode)new JsonObject { ["role"] = "user", ["content"] = line });
                turns.Add((JsonNode)new JsonObject { ["role"] = "assistant", ["content"] = answer.Text, ["finish_reason"] = answer.FinishReason.ToString().ToLowerInvariant() });
            }
        }
        output.Result(new JsonObject { ["turns"] = turns });
        return 0;

        string? Next() => given is null ? ReadLine(live) : given.TryDequeue(out string? next) ? next : null;
    }

    private static string? ReadLine(bool live)
    {
        if (live) Console.Error.Write("> ");
        return Console.In.ReadLine();
    }

    /// <summary>The turns so far, kept within the model's context.</summary>
    private sealed class Conversing(TextModel model, ChatTemplate template, string? system, SamplingArguments sampling, ParseResult parsed, Output output)
    {
        private readonly TextGenerator _generator = new(model.Model, model.Tokenizer);
        private readonly List<ChatTurn> _turns = [];

        public void Reset() => _turns.Clear();

        /// <summary>Answers, and shows the answer as it grows. When it fails the conversation is as before.</summary>
        public GenerationResult Say(string message, CancellationToken cancel)
        {
            var question = new ChatTurn("user", message);
            int[] prompt = Fit(question);
            SamplingOptions options = sampling.Read(parsed, model, prompt.Length);
            GenerationResult answer = _generator.Generate(prompt, options, output.IsJson ? null : Show, model.Ends, cancel);
            if (!output.IsJson) Console.Out.WriteLine();
            if (answer.FinishReason == FinishReason.Length) output.Info($"(the answer was cut after {answer.Tokens.Count} tokens)");
            _turns.Add(question);
            _turns.Add(new ChatTurn("assistant", answer.Text));
            return answer;
        }

        // Drops the oldest questions with their answers until there is room for the next answer.
        private int[] Fit(ChatTurn question)
        {
            int context = model.Model.Context, room = sampling.MaxTokens(parsed) ?? Math.Min(LeastAnswer, context / 4);
            int dropped = 0;
            int[] prompt = Prompt(question, dropped);
            while (prompt.Length + room > context && dropped < _turns.Count) prompt = Prompt(question, dropped += 2);
            if (prompt.Length + room > context)
                throw new CratonException($"the message makes a prompt of {prompt.Length} tokens, which with {room} for the answer is more than the model's context of {context}; send a shorter one");
            if (dropped > 0) output.Info($"(the oldest {dropped} turns no longer fit the context of {context} tokens and were dropped)");
            _turns.RemoveRange(0, dropped);
            return prompt;
        }

        private int[] Prompt(ChatTurn question, int dropped)
        {
            IEnumerable<ChatTurn> head = system is null ? [] : [new ChatTurn("system", system)];
            return template.Prompt([.. head, .. _turns.Skip(dropped), question]);
        }

        private static void Show(string text)
        {
            Console.Out.Write(text);
            Console.Out.Flush();
        }
    }
}
