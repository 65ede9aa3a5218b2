using System.Text.RegularExpressions;

namespace Craton.Tokenizers.Templates;

/// <summary>What a token is.</summary>
internal enum TokenKind
{
    /// <summary>Text outside of tags.</summary>
    Data,

    /// <summary><c>{{</c></summary>
    VariableBegin,

    /// <summary><c>}}</c></summary>
    VariableEnd,

    /// <summary><c>{%</c></summary>
    BlockBegin,

    /// <summary><c>%}</c></summary>
    BlockEnd,

    /// <summary>A name or keyword.</summary>
    Name,

    /// <summary>A string, with its quotes.</summary>
    String,

    /// <summary>An integer.</summary>
    Integer,

    /// <summary>A number with a point or an exponent.</summary>
    Float,

    /// <summary>An operator or bracket.</summary>
    Operator,

    /// <summary>The end of the template.</summary>
    End,
}

/// <summary>A token and the line it begins on.</summary>
internal readonly record struct Token(TokenKind Kind, string Value, int Line);

/// <summary>
/// Cuts a template into tokens, with <c>trim_blocks</c> and <c>lstrip_blocks</c>: a line end behind a tag and blanks before a tag that begins
/// a line are dropped, not so for <c>{{ }}</c>; <c>-</c> inside a delimiter drops all white space on its side, <c>+</c> keeps all.
/// </summary>
internal sealed partial class Lexer
{
    private static readonly string[] _operators =
        ["//", "**", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "~", "(", ")", "[", "]", "{", "}", ">", "<", "=", ".", ":", "|", ","];

    private readonly string _source;
    private readonly List<Token> _tokens = [];
    private int _at, _line = 1, _counted;

    private Lexer(string source) => _source = source;

    /// <summary>The tokens of a template, an <see cref="TokenKind.End"/> last.</summary>
    public static List<Token> Read(string source)
    {
        source = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        if (source.EndsWith('\n'))
            source = source[..^1];
        var lexer = new Lexer(source);
        lexer.ReadAll();
        return lexer._tokens;
    }

    private void ReadAll()
    {
        bool startsLine = true;
        while (_at < _source.Length)
        {
            int tag = FindTag();
            string text = _source[_at..tag];
            if (tag == _source.Length)
            {
                Add(TokenKind.Data, text, _at);
                _at = tag;
                break;
            }

            char kind = _source[tag + 1], sign = tag + 2 < _source.Length ? _source[tag + 2] : '\0';
            Match raw = kind == '%' ? RawBegin().Match(_source, tag) : Match.Empty;
            if (sign == '-')
                text = text.TrimEnd();
            else if (sign != '+' && kind != '{')
                text = StripIndent(text, startsLine);
            Add(TokenKind.Data, text, _at);
            _at = tag + (sign is '-' or '+' ? 3 : 2);
            if (raw.Success)
                ReadRaw(tag + raw.Length);
            else if (kind == '#')
                ReadComment(tag);
            else
                ReadTag(tag, kind == '%');
            startsLine = _source[_at - 1] == '\n';
        }

        Add(TokenKind.End, "end of template", _source.Length, keepEmpty: true);
    }

    private int FindTag()
    {
        for (int at = _at; (at = _source.IndexOf('{', at)) >= 0; at++)
        {
            if (at + 1 < _source.Length && _source[at + 1] is '{' or '%' or '#')
                return at;
        }

        return _source.Length;
    }

    private static string StripIndent(string text, bool startsLine)
    {
        int line = text.LastIndexOf('\n') + 1;
        return (line > 0 || startsLine) && string.IsNullOrWhiteSpace(text[line..]) ? text[..line] : text;
    }

    private void ReadComment(int tag)
    {
        int end = _source.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0)
            throw Fault(tag, "the comment does not end; close it with #}");
        SkipTagEnd(end, isSigned: end > _at);
    }

    private void ReadRaw(int start)
    {
        Match end = RawEnd().Match(_source, start);
        if (!end.Success)
            throw Fault(start, "the raw block does not end; close it with {% endraw %}");
        string text = _source[start..end.Index];
        char sign = _source[end.Index + 2];
        text = sign == '-' ? text.TrimEnd() : sign == '+' ? text : StripIndent(text, startsLine: false);
        Add(TokenKind.Data, text, start);
        SkipTagEnd(end.Index + end.Length - 2, isSigned: true);
    }

    // Steps over the end of a tag and the white space that goes with it.
    private void SkipTagEnd(int end, bool isSigned)
    {
        char sign = isSigned ? _source[end - 1] : '\0';
        _at = end + 2;
        if (sign == '-')
            _at += WhiteSpace(_at);
        else if (sign != '+' && _at < _source.Length && _source[_at] == '\n')
            _at++;
    }

    private int WhiteSpace(int from)
    {
        int end = from;
        while (end < _source.Length && char.IsWhiteSpace(_source[end]))
            end++;
        return end - from;
    }

    private void ReadTag(int tag, bool isBlock)
    {
        Add(isBlock ? TokenKind.BlockBegin : TokenKind.VariableBegin, isBlock ? "{%" : "{{", tag);
        string close = isBlock ? "%}" : "}}";
        var open = new Stack<char>();
        while (true)
        {
            _at += WhiteSpace(_at);
            if (_at >= _source.Length)
                throw Fault(tag, $"the tag does not end; close it with {close}");
            if (open.Count == 0 && FindEnd(close, isBlock) is { } end)
            {
                Add(isBlock ? TokenKind.BlockEnd : TokenKind.VariableEnd, isBlock ? "end of statement block" : "end of print statement", _at);
                if (isBlock)
                {
                    SkipTagEnd(end, isSigned: end > _at);
                }
                else
                {
                    int after = end + 2;
                    _at = after + (end > _at ? WhiteSpace(after) : 0);
                }

                return;
            }

            ReadToken(open);
        }
    }

    // Where the end of the tag begins, if it is here: "%}", "-%}", "+%}" or "}}", "-}}".
    private int? FindEnd(string close, bool isBlock)
    {
        if (string.CompareOrdinal(_source, _at, close, 0, 2) == 0)
            return _at;
        return (_source[_at] == '-' || isBlock && _source[_at] == '+') && string.CompareOrdinal(_source, _at + 1, close, 0, 2) == 0 ? _at + 1 : null;
    }

    private void ReadToken(Stack<char> open)
    {
        bool afterDot = _at > 0 && _source[_at - 1] == '.';
        if (!afterDot && Float().Match(_source, _at) is { Success: true } real)
            Take(TokenKind.Float, real.Length);
        else if (Integer().Match(_source, _at) is { Success: true } integer)
            Take(TokenKind.Integer, integer.Length);
        else if (Name().Match(_source, _at) is { Success: true } name)
            Take(TokenKind.Name, name.Length);
        else if (_source[_at] is '"' or '\'')
            Take(TokenKind.String, StringLength());
        else if (Array.Find(_operators, o => string.CompareOrdinal(_source, _at, o, 0, o.Length) == 0) is { } op)
            TakeOperator(op, open);
        else
            throw Fault(_at, $"unexpected character '{_source[_at]}'");
    }

    private void TakeOperator(string op, Stack<char> open)
    {
        if (op is "(" or "[" or "{")
            open.Push(op == "(" ? ')' : op == "[" ? ']' : '}');
        else if (op is ")" or "]" or "}" && (!open.TryPop(out char expected) || expected != op[0]))
            throw Fault(_at, $"unexpected '{op}'");
        Take(TokenKind.Operator, op.Length);
    }

    private int StringLength()
    {
        for (int i = _at + 1; i < _source.Length; i++)
        {
            if (_source[i] == '\\')
                i++;
            else if (_source[i] == _source[_at])
                return i + 1 - _at;
        }

        throw Fault(_at, "the string does not end; close it with a quote");
    }

    private void Take(TokenKind kind, int length)
    {
        Add(kind, _source.Substring(_at, length), _at);
        _at += length;
    }

    private void Add(TokenKind kind, string value, int place, bool keepEmpty = false)
    {
        if (kind != TokenKind.Data || value.Length > 0 || keepEmpty)
            _tokens.Add(new Token(kind, value, LineOf(place)));
    }

    private int LineOf(int place)
    {
        _line += _source.AsSpan(_counted, Math.Max(0, place - _counted)).Count('\n');
        _counted = Math.Max(_counted, place);
        return _line;
    }

    private TemplateException Fault(int place, string problem) => new($"chat template, line {LineOf(place)}: {problem}");

    [GeneratedRegex(@"\G\{%[-+]?\s*raw\s*(?:-%\}\s*|%\})", RegexOptions.CultureInvariant)]
    private static partial Regex RawBegin();

    [GeneratedRegex(@"\{%[-+]?\s*endraw\s*[-+]?%\}", RegexOptions.CultureInvariant)]
    private static partial Regex RawEnd();

    [GeneratedRegex(@"\G(?:[0-9]+_)*[0-9]+(?:(?:\.(?:[0-9]+_)*[0-9]+)?[eE][+\-]?(?:[0-9]+_)*[0-9]+|\.(?:[0-9]+_)*[0-9]+)", RegexOptions.CultureInvariant)]
    private static partial Regex Float();

    [GeneratedRegex(@"\G(?:0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+|[1-9](?:_?[0-9])*|0(?:_?0)*)", RegexOptions.CultureInvariant)]
    private static partial Regex Integer();

    [GeneratedRegex(@"\G[\p{L}_][\w]*", RegexOptions.CultureInvariant)]
    private static partial Regex Name();
}
