using System.Buffers;
using System.Text;
using System.Xml;
using AngleSharp.Dom;
using AngleSharp.Html.Parser;
using DocumentFormat.OpenXml;
using DocumentFormat.OpenXml.Packaging;
using DocumentFormat.OpenXml.Wordprocessing;
using Markdig;

namespace Craton.Data;

/// <summary>Plain text of HTML, Markdown and Word documents.</summary>
internal static class MarkupText
{
    /// <summary>Deepest nesting of HTML elements; the parser's time grows with the square of the depth.</summary>
    private const int MaxHtmlDepth = 1000;

    private static readonly MarkdownPipeline s_markdown = new MarkdownPipelineBuilder().UseYamlFrontMatter().UsePipeTables().Build();

    private static readonly HashSet<string> s_blocks = new(StringComparer.OrdinalIgnoreCase)
    {
        "address", "article", "aside", "blockquote", "body", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption", "figure",
        "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "section", "summary", "table", "title", "ul",
    };

    private static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> s_unclosed = new HashSet<string>(StringComparer.OrdinalIgnoreCase)
    {
        "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "optgroup", "option", "p", "path", "rp", "rt",
        "source", "tbody", "td", "tfoot", "th", "thead", "tr", "track", "wbr",
    }.GetAlternateLookup<ReadOnlySpan<char>>();

    private static readonly SearchValues<char> s_nameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-:");

    private static readonly HashSet<string> s_hidden = new(StringComparer.OrdinalIgnoreCase)
    {
        "script", "style", "noscript", "template", "svg", "math", "iframe", "object", "nav", "button", "select", "input", "textarea", "head",
    };

    /// <summary>The title and the visible text of a page: scripts, styles, forms and navigation are left out.</summary>
    public static string FromHtml(string html, string file)
    {
        CheckDepth(html, file);
        IDocument page = new HtmlParser(new HtmlParserOptions { IsScripting = false }).ParseDocument(html);
        var prose = new ProseBuilder();
        if (page.Title is { Length: > 0 } title)
        {
            prose.Append(title);
            prose.Paragraph();
        }

        if (page.Body is { } body) Walk(body, prose);
        return prose.Take();
    }

    /// <summary>Counts open tags before anything is parsed. Elements that need no end tag do not count: they do not nest.</summary>
    private static void CheckDepth(ReadOnlySpan<char> html, string file)
    {
        int depth = 0;
        for (int at = html.IndexOf('<'); at >= 0 && at + 1 < html.Length;)
        {
            bool closes = html[at + 1] == '/';
            ReadOnlySpan<char> rest = html[(at + (closes ? 2 : 1))..];
            int end = rest.IndexOfAnyExcept(s_nameCharacters);
            ReadOnlySpan<char> name = end < 0 ? rest : rest[..end];
            if (name.Length > 0 && !s_unclosed.Contains(name)) depth = Math.Max(0, depth + (closes ? -1 : 1));
            if (depth > MaxHtmlDepth) throw new DataFileException(file, "", $"nests HTML elements deeper than {MaxHtmlDepth}; it is no ordinary page.");
            int next = rest.IndexOf('<');
            at = next < 0 ? -1 : html.Length - rest.Length + next;
        }
    }

    private static void Walk(INode root, ProseBuilder prose)
    {
        // Iterative: the depth of a page is chosen by whoever wrote it.
        for (INode? node = root; node is not null;)
        {
            if (!Enter(node, prose) && node.HasChildNodes)
            {
                node = node.FirstChild;
                continue;
            }

            while (node is not null && node != root && node.NextSibling is null)
            {
                node = node.Parent;
                if (node is not null) Break(node, prose);
            }

            if (node is null || node == root) return;
            Break(node, prose);
            node = node.NextSibling;
        }
    }

    /// <summary>Handles the start of a node; true when its content is to be passed over.</summary>
    private static bool Enter(INode node, ProseBuilder prose)
    {
        switch (node)
        {
            case IText text:
                prose.Append(text.Data);
                return true;
            case IElement { LocalName: "pre" } pre:
                prose.AppendBlock(pre.TextContent);
                return true;
            case IElement element when s_hidden.Contains(element.LocalName):
                return true;
            default:
                Break(node, prose);
                if (node is IElement { LocalName: "li" }) prose.Append("- ");
                return false;
        }
    }

    private static void Break(INode node, ProseBuilder prose)
    {
        if (node is not IElement element) return;
        if (element.LocalName is "br" or "tr" or "li" or "dt" or "dd") prose.Line();
        else if (element.LocalName is "td" or "th") prose.Append(" ");
        else if (s_blocks.Contains(element.LocalName)) prose.Paragraph();
    }

    /// <summary>The text of Markdown without its marks; front matter is dropped.</summary>
    public static string FromMarkdown(string markdown, string file)
    {
        try { return Markdown.ToPlainText(markdown, s_markdown).Trim(); }
        catch (ArgumentException e)
        {
            throw new DataFileException(file, "", "nests Markdown too deeply; read it with KeepMarkdown.", e);
        }
    }

    /// <summary>The paragraphs of a Word document, one a line.</summary>
    public static string FromWord(byte[] content, TextFileOptions options, string file)
    {
        try
        {
            using var stream = new MemoryStream(content, writable: false);
            using var word = WordprocessingDocument.Open(stream, isEditable: false, new OpenSettings { MaxCharactersInPart = options.MaxDocumentBytes });
            var text = new StringBuilder();
            foreach (Paragraph paragraph in word.MainDocumentPart?.Document?.Body?.Descendants<Paragraph>() ?? [])
            {
                foreach (OpenXmlElement part in paragraph.Descendants())
                {
                    if (part is Text words) text.Append(words.Text);
                    else if (part is TabChar) text.Append('\t');
                    else if (part is DocumentFormat.OpenXml.Wordprocessing.Break or CarriageReturn) text.Append('\n');
                }

                text.Append('\n');
            }

            return text.ToString().Trim();
        }
        catch (Exception e) when (e is OpenXmlPackageException or FileFormatException or InvalidDataException or XmlException or InvalidOperationException or IOException)
        {
            throw new DataFileException(file, "", $"is no readable Word document ({e.Message.TrimEnd('.')}); open it in Word and save it again as .docx.", e);
        }
    }
}
