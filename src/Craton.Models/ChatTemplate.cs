using System.Text;
using Craton.Data;
using Craton.Tensors;
using Craton.Tokenizers;

namespace Craton.Models;

/// <summary>
/// Turns a conversation into ids in the ChatML form, with control tokens as ids that no text can produce:
/// <c>&lt;|im_start|&gt;role ⏎ content &lt;|im_end|&gt; ⏎</c>. <see cref="ChatMlSource"/> is the same as a Jinja template, which other libraries render.
/// </summary>
public sealed class ChatTemplate
{
    /// <summary>The template as other libraries read it from <c>tokenizer_config.json</c>.</summary>
    public const string ChatMlSource =
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    private const string Assistant = "assistant";

    private static readonly string[] Roles = ["system", "user", Assistant, "tool"];

    private readonly Tokenizer _tokenizer;
    private readonly int _start, _end;
    private readonly int[] _newline;
    private readonly string[] _controls;

    private ChatTemplate(Tokenizer tokenizer)
    {
        _tokenizer = tokenizer;
        _start = Control("<|im_start|>");
        _end = Control("<|im_end|>");
        _newline = tokenizer.Encode("\n");
        _controls = [.. Enumerable.Range(0, tokenizer.VocabularySize).Where(tokenizer.IsSpecial).Select(id => Encoding.UTF8.GetString(tokenizer.TokenBytes(id))).OrderByDescending(t => t.Length)];
    }

    /// <summary>Ends a turn; generation stops here.</summary>
    public int EndOfTurn => _end;

    /// <summary>Fills free places of a row.</summary>
    public int Padding => _tokenizer.EndOfText ?? _end;

    /// <summary>The ChatML template over a tokenizer.</summary>
    /// <exception cref="CratonException">The tokenizer lacks the control tokens.</exception>
    public static ChatTemplate ChatMl(Tokenizer tokenizer) => new(tokenizer);

    /// <summary>The template of a model directory when it is one that is supported; null for another.</summary>
    public static ChatTemplate? TryParse(string source, Tokenizer tokenizer) => source == ChatMlSource ? new ChatTemplate(tokenizer) : null;

    /// <summary>The template of a model directory.</summary>
    /// <exception cref="CratonException">It is another template than ChatML.</exception>
    public static ChatTemplate Parse(string source, Tokenizer tokenizer) => TryParse(source, tokenizer)
        ?? throw new CratonException("the model's chat template is not the ChatML one, which is the only one supported yet; use 'craton generate' with a prompt in the model's own form");

    /// <summary>Renders a whole conversation for training.</summary>
    /// <returns>The ids, and for each whether it is learnt: what the assistant says, and the end of its turn.</returns>
    public (int[] Ids, bool[] Learn) Render(IReadOnlyList<ChatTurn> turns)
    {
        var ids = new List<int>();
        var learn = new List<bool>();
        foreach (ChatTurn turn in turns)
        {
            if (!Roles.Contains(turn.Role))
                throw new CratonException($"chat role '{turn.Role}' is unknown, expected {string.Join(", ", Roles)}");
            // Role and content are encoded as one text, as other libraries do with the rendered template.
            int[] header = Header(turn.Role), body = Encode($"{turn.Role}\n{turn.Content}");
            ids.Add(_start);
            ids.AddRange(body);
            Fill(learn, ids.Count - body.Length + header.AsSpan().CommonPrefixLength(body), false);
            ids.Add(_end);
            Fill(learn, ids.Count, turn.Role == Assistant);
            ids.AddRange(_newline);
            Fill(learn, ids.Count, false);
        }
        return ([.. ids], [.. learn]);
    }

    /// <summary>Renders a conversation up to where the assistant is to speak.</summary>
    public int[] Prompt(IReadOnlyList<ChatTurn> turns)
    {
        var ids = new List<int>(Render(turns).Ids);
        ids.Add(_start);
        ids.AddRange(Header(Assistant));
        return [.. ids];
    }

    /// <summary>Refuses a template in whose examples the end of the assistant's turn is not learnt: such a model never stops.</summary>
    public void Validate()
    {
        (int[] ids, bool[] learn) = Render([new ChatTurn("user", "q"), new ChatTurn("assistant", "a")]);
        int last = Array.LastIndexOf(ids, _end);
        if (last < 0 || !learn[last])
            throw new CratonException("the chat template ends the assistant's turn with a token that would not be learnt, so the model would never stop; mark the end of turn as part of the answer");
    }

    private int[] Header(string role) => _tokenizer.Encode($"{role}\n");

    // What reads like a control token is ordinary characters, but a piece of its own, as in other libraries.
    private int[] Encode(string text)
    {
        var ids = new List<int>();
        int done = 0;
        for (int at = 0; at < text.Length; at++)
        {
            if (Array.Find(_controls, c => string.CompareOrdinal(text, at, c, 0, c.Length) == 0) is not { } control) continue;
            _tokenizer.Encode(text.AsSpan(done, at - done), ids);
            _tokenizer.Encode(control, ids);
            done = at + control.Length;
            at = done - 1;
        }
        _tokenizer.Encode(text.AsSpan(done), ids);
        return [.. ids];
    }

    private int Control(string token) => _tokenizer.IdOf(token) is { } id && _tokenizer.IsSpecial(id)
        ? id
        : throw new CratonException($"the tokenizer has no special token '{token}', which conversations need; train it with this special token, as the recipes here do");

    private static void Fill(List<bool> learn, int count, bool value)
    {
        while (learn.Count < count) learn.Add(value);
    }
}
