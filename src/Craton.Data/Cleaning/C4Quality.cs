using System.Text;

namespace Craton.Data;

/// <summary>Thresholds of <see cref="C4Quality"/>; the defaults are the published ones.</summary>
public sealed record C4QualityOptions
{
    /// <summary>Keep only lines that end in a full stop, exclamation mark, question mark or closing quote.</summary>
    public bool RequireTerminalPunctuation { get; init; } = true;

    /// <summary>Fewest words of a line that is kept.</summary>
    public int MinWordsPerLine { get; init; } = 5;

    /// <summary>Fewest sentences of a page that is kept.</summary>
    public int MinSentences { get; init; } = 3;

    /// <summary>Drop pages with a curly brace, which are mostly code.</summary>
    public bool DropBraces { get; init; } = true;

    /// <summary>Words for which a page is dropped, in lower case (the published rule uses a list of obscene words; none is built in).</summary>
    public IReadOnlyList<string> ForbiddenWords { get; init; } = [];

    /// <summary>The published thresholds, for web pages.</summary>
    public static C4QualityOptions Web { get; } = new();

    /// <summary>For reference texts: headings and code stay.</summary>
    public static C4QualityOptions Docs { get; } = new() { RequireTerminalPunctuation = false, MinWordsPerLine = 1, MinSentences = 1, DropBraces = false };
}

/// <summary>The line and page filter of C4 (Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", 2.2).</summary>
public sealed class C4Quality : DocumentRule
{
    private static readonly string[] s_policies = ["terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies"];
    private readonly C4QualityOptions _options;

    /// <summary>Creates the rule.</summary>
    public C4Quality(C4QualityOptions? options = null) : base("c4-quality") => _options = options ?? C4QualityOptions.Web;

    /// <inheritdoc/>
    protected override Verdict Judge(Document document)
    {
        string text = document.Text;
        if (_options.DropBraces && text.Contains('{')) return Verdict.Drop("curly brace");
        if (text.Contains("lorem ipsum", StringComparison.OrdinalIgnoreCase)) return Verdict.Drop("lorem ipsum");
        var kept = new StringBuilder(text.Length);
        int sentences = 0;
        foreach (ReadOnlySpan<char> raw in text.AsSpan().EnumerateLines())
        {
            ReadOnlySpan<char> line = raw.TrimEnd();
            if (line.Length == 0 && kept.Length > 0 && !_options.RequireTerminalPunctuation) kept.Append('\n');
            if (line.Length == 0 || !KeepsLine(line)) continue;
            sentences += Sentences(line);
            kept.Append(line).Append('\n');
        }

        if (sentences < _options.MinSentences) return Verdict.Drop("too few sentences");
        if (_options.ForbiddenWords.Count > 0 && HasForbidden(text)) return Verdict.Drop("forbidden word");
        string result = kept.ToString().TrimEnd();
        return result == text.TrimEnd() ? Verdict.Keep(document) : Verdict.Change(document, result, "lines removed");
    }

    private bool KeepsLine(ReadOnlySpan<char> line)
    {
        if (_options.RequireTerminalPunctuation && (!EndsSentence(line[^1]) || line.EndsWith("..."))) return false;
        if (Words.Split(line).Count < _options.MinWordsPerLine) return false;
        if (!_options.RequireTerminalPunctuation) return true;
        if (line.Contains("javascript", StringComparison.OrdinalIgnoreCase)) return false;
        foreach (string policy in s_policies)
        {
            if (line.Contains(policy, StringComparison.OrdinalIgnoreCase)) return false;
        }

        return true;
    }

    private static bool EndsSentence(char c) => c is '.' or '!' or '?' or '"' or '\u201D' or '\u3002' or '\uFF01' or '\uFF1F';

    /// <summary>Sentence ends followed by a blank or the end of the line; a line without any is one sentence.</summary>
    private static int Sentences(ReadOnlySpan<char> line)
    {
        int count = 0;
        for (int i = 0; i < line.Length; i++)
        {
            if (line[i] is '\u3002' or '\uFF01' or '\uFF1F' || (line[i] is '.' or '!' or '?' && (i + 1 == line.Length || char.IsWhiteSpace(line[i + 1])))) count++;
        }

        return Math.Max(1, count);
    }

    private bool HasForbidden(string text)
    {
        foreach (Range word in Words.Split(text))
        {
            ReadOnlySpan<char> bare = text.AsSpan(word).Trim(".,;:!?\"'()[]");
            foreach (string forbidden in _options.ForbiddenWords)
            {
                if (bare.Equals(forbidden, StringComparison.OrdinalIgnoreCase)) return true;
            }
        }

        return false;
    }
}
