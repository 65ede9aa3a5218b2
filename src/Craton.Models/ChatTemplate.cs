using System.Text.Json;
using Craton.Data;
using Craton.Tensors;
using Craton.Tokenizers;
using Craton.Tokenizers.Templates;

namespace Craton.Models;

/// <summary>
/// Turns conversations into ids with the model's own chat template (Jinja). Control tokens are those that the template writes: no text of a
/// message becomes one.
/// </summary>
public sealed class ChatTemplate
{
    /// <summary>The ChatML form, for models that bring no template: <c>&lt;|im_start|&gt;role ⏎ content &lt;|im_end|&gt; ⏎</c>.</summary>
    public const string ChatMlSource =
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    private static readonly string[] s_chatMlTokens = ["<|im_start|>", "<|im_end|>"];

    private readonly Tokenizer _tokenizer;
    private readonly RenderedTextEncoder _encoder;
    private readonly JinjaTemplate _template;
    private readonly JinjaTemplate? _toolTemplate;

    private ChatTemplate(string source, Tokenizer tokenizer)
    {
        (Source, _tokenizer, _encoder) = (source, tokenizer, new RenderedTextEncoder(tokenizer));
        _template = JinjaTemplate.Parse(source);
        _toolTemplate = tokenizer.ChatTemplates.TryGetValue("tool_use", out string? tools) ? JinjaTemplate.Parse(tools) : null;
        EndOfTurn = FindEndOfTurn();
    }

    /// <summary>The template.</summary>
    public string Source { get; }

    /// <summary>The control token that ends an answer, where the template writes one; generation stops here.</summary>
    public int? EndOfTurn { get; }

    /// <summary>Fills free places of a row.</summary>
    public int Padding => _tokenizer.EndOfText ?? EndOfTurn ?? 0;

    /// <summary>The ChatML template over a tokenizer.</summary>
    /// <exception cref="CratonException">The tokenizer lacks the control tokens.</exception>
    public static ChatTemplate ChatMl(Tokenizer tokenizer)
    {
        foreach (string token in s_chatMlTokens)
            if (tokenizer.IdOf(token) is not { } id || !tokenizer.IsSpecial(id))
                throw new CratonException($"the tokenizer has no special token '{token}', which conversations need; train it with this special token, as the recipes here do");
        return new ChatTemplate(ChatMlSource, tokenizer);
    }

    /// <summary>The template of a model directory; null when it cannot be read.</summary>
    public static ChatTemplate? TryParse(string source, Tokenizer tokenizer)
    {
        try
        {
            return new ChatTemplate(source, tokenizer);
        }
        catch (TemplateException)
        {
            return null;
        }
    }

    /// <summary>The template of a model directory.</summary>
    /// <exception cref="CratonException">It cannot be read.</exception>
    public static ChatTemplate Parse(string source, Tokenizer tokenizer) => Typed(() => new ChatTemplate(source, tokenizer));

    /// <summary>Renders a conversation as text.</summary>
    /// <exception cref="CratonException">The template refuses it, as many do whose roles must alternate, or it cannot be continued.</exception>
    public RenderedText Render(ChatInput input) => Typed(() => RenderUntyped(input));

    /// <summary>Renders and encodes a conversation.</summary>
    /// <inheritdoc cref="Render" path="/exception"/>
    public int[] Encode(ChatInput input) => [.. _encoder.Encode(Render(input)).Select(t => t.Id)];

    /// <summary>Renders a conversation up to where the assistant is to speak.</summary>
    /// <inheritdoc cref="Render" path="/exception"/>
    public int[] Prompt(IEnumerable<ChatTurn> turns) => Encode(ChatInput.Of(turns) with { AddGenerationPrompt = true });

    /// <summary>Renders a whole conversation for training.</summary>
    /// <inheritdoc cref="Example(ChatInput)" path="/returns"/>
    /// <inheritdoc cref="Example(ChatInput)" path="/exception"/>
    public (int[] Ids, bool[] Learn) Example(IEnumerable<ChatTurn> turns) => Example(ChatInput.Of(turns));

    /// <summary>Renders a whole conversation for training.</summary>
    /// <returns>
    /// The ids, and for each whether it is learnt: what stands in <c>generation</c> blocks; in a template without them what the assistant has to
    /// say after its prompt, up to the end of its turn.
    /// </returns>
    /// <exception cref="CratonException">The template refuses the conversation, or its beginnings are not beginnings of the whole.</exception>
    public (int[] Ids, bool[] Learn) Example(ChatInput input)
    {
        RenderedText text = Render(input);
        TokenSpan[] tokens = _encoder.Encode(text);
        IReadOnlyList<TextRange> answers = Template(input).MarksGeneration ? text.Generated : [.. Answers(input, text, tokens)];
        return ([.. tokens.Select(t => t.Id)], [.. tokens.Select(t => answers.Any(a => t.Start >= a.Start && t.Start < a.End))]);
    }

    /// <summary>Refuses a template in whose examples the end of the assistant's turn is not learnt: such a model never stops.</summary>
    /// <exception cref="CratonException">It is so.</exception>
    public void Validate()
    {
        (int[] ids, bool[] learn) = Example([new ChatTurn("user", "q"), new ChatTurn("assistant", "a")]);
        int last = EndOfTurn is { } end ? Array.LastIndexOf(ids, end) : -1;
        if (last < 0 || !learn[last])
            throw new CratonException("the chat template does not end the assistant's turn with a special token that is learnt, so the model would never stop; make the end of turn a special token and part of the answer");
    }

    private JinjaTemplate Template(ChatInput input) => input.HasTools ? _toolTemplate ?? _template : _template;

    private RenderedText RenderUntyped(ChatInput input)
    {
        if (input is { AddGenerationPrompt: true, ContinueFinalMessage: true })
            throw new CratonException("a conversation either goes on with its final message or begins an answer; set one of add_generation_prompt and continue_final_message");
        System.Text.Json.Nodes.JsonArray messages = ChatMessages.Prepare(input.Messages);
        string? open = input.ContinueFinalMessage ? ChatMessages.MarkEnd(messages) : null;
        var variables = new TemplateVariables();
        foreach ((string name, string? token) in new[] { ("bos_token", _tokenizer.BosToken), ("eos_token", _tokenizer.EosToken), ("pad_token", _tokenizer.PadToken), ("unk_token", _tokenizer.UnkToken) })
            if (token is not null) variables.SetTrusted(name, token);
        variables.Set("messages", JsonElement.Parse(messages.ToJsonString())).Set("tools", input.Tools).Set("documents", input.Documents)
            .Set("add_generation_prompt", input.AddGenerationPrompt);
        foreach ((string name, JsonElement value) in input.Variables) variables.Set(name, value);
        RenderedText text = Template(input).Render(variables, input.Now);
        return open is null ? text : CutAtTag(text, open);
    }

    private static RenderedText CutAtTag(RenderedText text, string open)
    {
        int at = text.Text.LastIndexOf(ChatMessages.Tag.TrimEnd(), StringComparison.Ordinal);
        if (at < 0 || !text.Text.Contains(open.Trim(), StringComparison.Ordinal))
            throw new CratonException("the final message cannot be continued: the chat template does not show it as it is; answer it with add_generation_prompt instead");
        bool isWhole = string.CompareOrdinal(text.Text, at, ChatMessages.Tag, 0, ChatMessages.Tag.Length) == 0;
        return text.Start(isWhole ? at : text.Text.AsSpan(0, at).TrimEnd().Length);
    }

    // What follows the prompt of each answer, up to the end of its turn.
    private IEnumerable<TextRange> Answers(ChatInput input, RenderedText whole, TokenSpan[] tokens)
    {
        int[] places = [.. input.Messages.EnumerateArray().Index().Where(m => m.Item.TryGetProperty("role", out JsonElement role) && role.ValueEquals("assistant")).Select(m => m.Index)];
        int[] starts = [.. places.Select(place => AnswerStart(input, place, whole.Text))];
        for (int i = 0; i < places.Length; i++)
        {
            int next = i + 1 < starts.Length ? starts[i + 1] : whole.Text.Length;
            TokenSpan end = Array.Find(tokens, t => t.Start >= starts[i] && t.End <= next && t.Id == EndOfTurn);
            yield return new TextRange(starts[i], end.End > 0 ? end.End : whole.Text.AsSpan().CommonPrefixLength(Render(input.First(places[i] + 1, addGenerationPrompt: false)).Text));
        }
    }

    private int AnswerStart(ChatInput input, int before, string whole)
    {
        // A template that looks at its first message has nothing to say about none.
        if (before == 0 && TryRender(input.First(0, addGenerationPrompt: true)) is null) return 0;
        string prompt = Render(input.First(before, addGenerationPrompt: true)).Text;
        int common = whole.AsSpan().CommonPrefixLength(prompt);
        if (common == prompt.Length) return common;
        // A prompt may say more than the answer repeats, such as the beginning of a thought.
        string spoken = Render(input.First(before, addGenerationPrompt: false)).Text;
        return whole.StartsWith(spoken, StringComparison.Ordinal)
            ? Math.Max(spoken.Length, common)
            : throw new CratonException($"the chat template shows the first {before} messages otherwise once more follow, so the words of the assistant cannot be told apart; mark them with {{% generation %}}");
    }

    private int? FindEndOfTurn()
    {
        const string Answer = "answer";
        if (TryRender(ChatInput.Of([new ChatTurn("user", "q"), new ChatTurn("assistant", Answer)])) is not { } text) return null;
        int end = text.Text.LastIndexOf(Answer, StringComparison.Ordinal) + Answer.Length;
        return Array.Find(_encoder.Encode(text), t => t.Start >= end && _tokenizer.IsSpecial(t.Id)) is { End: > 0 } token ? token.Id : null;
    }

    private RenderedText? TryRender(ChatInput input)
    {
        try
        {
            return RenderUntyped(input);
        }
        catch (TemplateException)
        {
            return null;
        }
    }

    private static T Typed<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (TemplateException e)
        {
            throw new CratonException(e.Message, e);
        }
    }
}
