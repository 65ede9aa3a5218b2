using System.Xml;
using Craton.Tensors;

namespace Craton.Data;

/// <summary>A member as its XML says it, before ids are made readable (that needs the types of all files).</summary>
internal sealed record RawMember(
    string Id, string Assembly, string Summary, List<ApiPart> TypeParameters, List<ApiPart> Parameters, string Returns,
    List<ApiPart> Exceptions, string Remarks)
{
    public bool IsEmpty => Summary.Length == 0 && Returns.Length == 0 && Remarks.Length == 0
        && Parameters.Count == 0 && Exceptions.Count == 0 && TypeParameters.Count == 0;
}

/// <summary>Reads one XML documentation file (C# specification, annex D) and renders its tags as plain text.</summary>
internal sealed class XmlDocFile
{
    // Files are trusted as far as the SDK is, but a path may be given: entities and DTDs stay off and sizes are bounded.
    private static readonly XmlReaderSettings s_settings = new()
    {
        DtdProcessing = DtdProcessing.Prohibit,
        XmlResolver = null,
        IgnoreComments = true,
        IgnoreProcessingInstructions = true,
        MaxCharactersInDocument = 1L << 30,
    };

    private const int MaxDepth = 64;
    private readonly ProseBuilder _prose = new();
    private readonly XmlReader _xml;
    private readonly string _assembly;

    private XmlDocFile(XmlReader xml, string assembly) => (_xml, _assembly) = (xml, assembly);

    /// <summary>All members of a file in file order, those without any text included.</summary>
    /// <exception cref="CratonException">The file is no well-formed XML documentation.</exception>
    public static List<RawMember> Read(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            using var xml = XmlReader.Create(stream, s_settings);
            return new XmlDocFile(xml, Path.GetFileNameWithoutExtension(path)).Members();
        }
        catch (XmlException e)
        {
            throw new CratonException($"'{path}' is not a readable XML documentation file (line {e.LineNumber}: {e.Message}); repair or remove it, or reinstall the SDK it belongs to.", e);
        }
    }

    private List<RawMember> Members()
    {
        var members = new List<RawMember>();
        while (_xml.Read())
        {
            if (_xml.NodeType == XmlNodeType.Element && _xml.Name == "member" && _xml.GetAttribute("name") is { Length: > 2 } id)
                members.Add(Member(id));
        }

        return members;
    }

    private RawMember Member(string id)
    {
        string summary = "", returns = "", remarks = "";
        List<ApiPart> typeParameters = [], parameters = [], exceptions = [];
        if (!_xml.IsEmptyElement)
        {
            int depth = _xml.Depth;
            while (_xml.Read() && _xml.Depth > depth)
            {
                if (_xml.NodeType != XmlNodeType.Element) continue;
                string tag = _xml.Name, name = _xml.GetAttribute("name") ?? "", cref = _xml.GetAttribute("cref") ?? "";
                string text = Content();
                switch (tag)
                {
                    case "summary": summary = Join(summary, text); break;
                    case "returns" or "value": returns = Join(returns, text); break;
                    case "remarks": remarks = Join(remarks, text); break;
                    case "typeparam": typeParameters.Add(new ApiPart(name, text)); break;
                    case "param": parameters.Add(new ApiPart(name, text)); break;
                    case "exception": exceptions.Add(new ApiPart(MemberName.Short(cref), text)); break;
                    default: break; // example, related, seealso, ...: links and listings, no prose of this member
                }
            }
        }

        return new RawMember(id, _assembly, summary, typeParameters, parameters, returns, exceptions, remarks);
    }

    private static string Join(string first, string second) =>
        first.Length == 0 ? second : second.Length == 0 || first == second ? first : $"{first}\n\n{second}";

    /// <summary>The content of the element the reader is on, as text; leaves the reader on its end.</summary>
    private string Content()
    {
        Walk(0);
        return _prose.Take();
    }

    private void Walk(int nesting)
    {
        if (_xml.IsEmptyElement) return;
        if (nesting > MaxDepth) throw new XmlException($"tags are nested deeper than {MaxDepth}");
        int depth = _xml.Depth;
        while (_xml.Read() && _xml.Depth > depth)
        {
            if (_xml.NodeType is XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.Whitespace or XmlNodeType.SignificantWhitespace)
                _prose.Append(_xml.Value);
            else if (_xml.NodeType == XmlNodeType.Element)
                Tag(nesting);
        }
    }

    private void Tag(int nesting)
    {
        switch (_xml.Name)
        {
            case "see" or "seealso" or "xref" or "paramref" or "typeparamref" or "a":
                Reference(nesting);
                break;
            case "code" when _xml.GetAttribute("data-dev-comment-type") is null:
                Code();
                break;
            case "para" or "p" or "ul" or "ol":
                _prose.Paragraph();
                Walk(nesting + 1);
                _prose.Paragraph();
                break;
            case "list" or "listheader" or "item" or "li" or "br":
                _prose.Line();
                if (_xml.Name is "item" or "li") _prose.Append("- ");
                Walk(nesting + 1);
                _prose.Line();
                break;
            case "term":
                Walk(nesting + 1);
                _prose.Append(":");
                break;
            case "description":
                _prose.Append(" ");
                Walk(nesting + 1);
                break;
            case "sup":
                _prose.Append("^");
                Walk(nesting + 1);
                break;
            default: // c, b, i, em, strong, sub, ...: their text as it stands
                Walk(nesting + 1);
                break;
        }
    }

    /// <summary>A reference shows its own words where it has some, else the short name of what it points at.</summary>
    private void Reference(int nesting)
    {
        string target = (_xml.GetAttribute("cref") ?? _xml.GetAttribute("uid")) is { } id ? MemberName.Short(id)
            : _xml.GetAttribute("langword") ?? _xml.GetAttribute("name") ?? _xml.GetAttribute("href") ?? "";
        if (_xml.IsEmptyElement)
        {
            _prose.Append(target);
            return;
        }

        int depth = _xml.Depth;
        bool words = false;
        while (_xml.Read() && _xml.Depth > depth)
        {
            if (_xml.NodeType is XmlNodeType.Text or XmlNodeType.CDATA)
            {
                words = true;
                _prose.Append(_xml.Value);
            }
            else if (_xml.NodeType == XmlNodeType.Element)
            {
                words = true;
                Tag(nesting + 1);
            }
        }

        if (!words) _prose.Append(target);
    }

    private void Code()
    {
        if (_xml.IsEmptyElement) return;
        int depth = _xml.Depth;
        var code = new System.Text.StringBuilder();
        while (_xml.Read() && _xml.Depth > depth)
        {
            if (_xml.NodeType is XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.Whitespace or XmlNodeType.SignificantWhitespace) code.Append(_xml.Value);
        }

        string text = code.ToString();
        if (text.AsSpan().Trim().Contains('\n')) _prose.AppendBlock(text);
        else _prose.Append(text);
    }
}
