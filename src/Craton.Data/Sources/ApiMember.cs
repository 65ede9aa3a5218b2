using System.Text;

namespace Craton.Data;

/// <summary>The kinds of documented members.</summary>
public enum ApiMemberKind
{
    /// <summary>A class, struct, interface, enum or delegate.</summary>
    Type,

    /// <summary>A constructor.</summary>
    Constructor,

    /// <summary>A method.</summary>
    Method,

    /// <summary>An operator or conversion.</summary>
    Operator,

    /// <summary>A property or indexer.</summary>
    Property,

    /// <summary>A field or enum value.</summary>
    Field,

    /// <summary>An event.</summary>
    Event,
}

/// <summary>A name with its description: a parameter, a type parameter or an exception.</summary>
/// <param name="Name">Parameter name, or short type name of an exception.</param>
/// <param name="Text">Plain-text description; may be empty.</param>
public sealed record ApiPart(string Name, string Text);

/// <summary>One documented member of a .NET API, in plain text.</summary>
/// <param name="Id">The documentation id, e.g. <c>M:System.String.Substring(System.Int32,System.Int32)</c>.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Namespace">E.g. <c>System.Collections.Generic</c>.</param>
/// <param name="TypeName">The type, or the type that holds the member, without namespace: <c>Dictionary&lt;TKey, TValue&gt;.KeyCollection</c>.</param>
/// <param name="Name">The member alone: <c>Substring</c>; of a type its own name.</param>
/// <param name="Signature">
/// Readable C#-like full form: <c>System.String.Substring(int, int)</c>. Documentation ids do not tell <c>ref</c>, <c>out</c> and
/// <c>in</c> apart: all are written <c>ref</c>.
/// </param>
/// <param name="Summary">What it does or is.</param>
/// <param name="TypeParameters">Type parameters.</param>
/// <param name="Parameters">Parameters.</param>
/// <param name="Returns">What is returned, or a property's value; may be empty.</param>
/// <param name="Exceptions">What is thrown, when.</param>
/// <param name="Remarks">Further text; may be empty.</param>
/// <param name="Assembly">The assembly documented, e.g. <c>System.Runtime</c>.</param>
public sealed record ApiMember(
    string Id, ApiMemberKind Kind, string Namespace, string TypeName, string Name, string Signature, string Summary,
    IReadOnlyList<ApiPart> TypeParameters, IReadOnlyList<ApiPart> Parameters, string Returns,
    IReadOnlyList<ApiPart> Exceptions, string Remarks, string Assembly)
{
    /// <summary>The outermost type with its namespace: overloads and members of one type share it, so a split by it does not leak.</summary>
    public string Group
    {
        get
        {
            int depth = 0, end = 0;
            for (; end < TypeName.Length && !(TypeName[end] == '.' && depth == 0); end++) depth += TypeName[end] switch { '<' => 1, '>' => -1, _ => 0 };
            return Namespace.Length == 0 ? TypeName[..end] : $"{Namespace}.{TypeName.AsSpan(0, end)}";
        }
    }

    /// <summary>A readable page: kind and signature, then what the documentation says, each part under its heading.</summary>
    public string ToText()
    {
        var page = new StringBuilder(256).Append(Kind).Append(' ').Append(Signature).Append('\n');
        if (Summary.Length > 0) page.Append('\n').Append(Summary).Append('\n');
        Section(page, "Type parameters", TypeParameters);
        Section(page, "Parameters", Parameters);
        if (Returns.Length > 0) page.Append(Kind == ApiMemberKind.Property ? "\nValue: " : "\nReturns: ").Append(Returns).Append('\n');
        Section(page, "Exceptions", Exceptions);
        if (Remarks.Length > 0) page.Append("\nRemarks: ").Append(Remarks).Append('\n');
        page.Length--; // the last line end
        return page.ToString();
    }

    /// <summary>The page as a document; its group is <see cref="Group"/>.</summary>
    public Document ToDocument() => new(Id, ToText(), $"{Assembly}.xml") { Group = Group };

    private static void Section(StringBuilder page, string title, IReadOnlyList<ApiPart> parts)
    {
        bool titled = false;
        foreach (ApiPart part in parts)
        {
            if (part.Text.Length == 0) continue;
            if (!titled) page.Append('\n').Append(title).Append(":\n");
            titled = true;
            page.Append("- ").Append(part.Name).Append(": ").Append(part.Text).Append('\n');
        }
    }
}
