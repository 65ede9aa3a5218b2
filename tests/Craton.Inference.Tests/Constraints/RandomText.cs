using Craton.Inference.Constraints;

namespace Craton.Inference.Tests.Constraints;

/// <summary>
/// Writes texts as a model with random weights would: any allowed token, equally likely. As time goes on it prefers, of several random
/// ones, the token that closes something, so that texts come to an end.
/// </summary>
internal sealed class RandomText(ConstraintVocabulary vocabulary, int seed)
{
    private readonly Random _random = new(seed);
    private readonly uint[] _mask = new uint[(vocabulary.Size + 31) / 32];

    /// <summary>One whole text of the grammar.</summary>
    public byte[] Write(TokenConstraint constraint, int patience)
    {
        var text = new List<byte>();
        for (int step = 0; ; step++)
        {
            List<int> allowed = Allowed(constraint);
            Assert.NotEmpty(allowed);
            int end = vocabulary.EndOfText[0];
            bool hurry = step > patience;
            int token = allowed.Contains(end) && (hurry || _random.Next(4) == 0) ? end : Choose(allowed, hurry, InString(text));
            Assert.Equal(allowed.Contains(end), constraint.IsComplete);
            constraint.Accept(token);
            if (token == end)
                return [.. text];
            text.AddRange(vocabulary.Tokens[token]);
            Assert.True(step < 50_000, "no end after 50,000 tokens");
        }
    }

    public List<int> Allowed(TokenConstraint constraint)
    {
        constraint.Allowed(_mask);
        var allowed = new List<int>();
        for (int id = 0; id < _mask.Length * 32; id++)
        {
            if ((_mask[id >> 5] >> id & 1) != 0)
                allowed.Add(id);
        }

        return allowed;
    }

    private int Choose(List<int> allowed, bool hurry, bool inString)
    {
        if (hurry)
        {
            // A quotation mark ends a string; elsewhere brackets close.
            List<int> closing = allowed.FindAll(id => inString ? Is(id, "\"") : Is(id, "}") || Is(id, "]"));
            List<int> harmless = allowed.FindAll(id => !vocabulary.Tokens[id].AsSpan().ContainsAny("{[,\\ "u8));
            allowed = closing.Count > 0 ? closing : harmless.Count > 0 ? harmless : allowed;
        }

        return allowed[_random.Next(allowed.Count)];
    }

    private static bool InString(List<byte> text)
    {
        bool inside = false;
        for (int i = 0; i < text.Count; i++)
        {
            inside ^= text[i] == '"';
            i += inside && text[i] == '\\' ? 1 : 0;
        }

        return inside;
    }

    private bool Is(int id, string text) => vocabulary.Tokens[id].Length == 1 && vocabulary.Tokens[id][0] == text[0];
}
