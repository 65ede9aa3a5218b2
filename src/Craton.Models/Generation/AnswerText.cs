using System.Text;
using Craton.Tokenizers;

namespace Craton.Models.Generation;

/// <summary>An answer as it grows: tokens become whole characters, and a stop text ends it before itself.</summary>
/// <param name="tokenizer">The vocabulary.</param>
/// <param name="stops">Texts that end the answer.</param>
/// <param name="onText">Hears what is safe to show, as it comes.</param>
public sealed class AnswerText(Tokenizer tokenizer, IReadOnlyList<string> stops, Action<string>? onText)
{
    private readonly StreamDecoder _decoder = new(tokenizer);
    private readonly StopText _stop = new(stops);
    private readonly StringBuilder _text = new();
    private readonly List<int> _tokens = [];

    /// <summary>The tokens so far.</summary>
    public IReadOnlyList<int> Tokens => _tokens;

    /// <summary>Takes the next token.</summary>
    /// <returns>True when a stop text has come.</returns>
    public bool Add(int token)
    {
        _tokens.Add(token);
        Show(_stop.Feed(token < tokenizer.VocabularySize ? _decoder.Feed(token) : ""));
        return _stop.Found;
    }

    /// <summary>Shows what was held back, and gives the whole text.</summary>
    public string End()
    {
        Show(_stop.Feed(_decoder.Flush()));
        Show(_stop.Flush());
        return _text.ToString();
    }

    private void Show(string piece)
    {
        if (piece.Length == 0) return;
        _text.Append(piece);
        onText?.Invoke(piece);
    }
}
