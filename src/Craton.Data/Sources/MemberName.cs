using System.Text;

namespace Craton.Data;

/// <summary>
/// Makes documentation ids readable (the id grammar is in the C# specification, annex D.4.2): generic parameters get their
/// names, built-in types their keywords, parameter types their short names.
/// </summary>
internal sealed class MemberName
{
    private static readonly Dictionary<string, string> s_keywords = new(StringComparer.Ordinal)
    {
        ["System.Boolean"] = "bool",
        ["System.Byte"] = "byte",
        ["System.SByte"] = "sbyte",
        ["System.Char"] = "char",
        ["System.Decimal"] = "decimal",
        ["System.Double"] = "double",
        ["System.Single"] = "float",
        ["System.Int32"] = "int",
        ["System.UInt32"] = "uint",
        ["System.Int64"] = "long",
        ["System.UInt64"] = "ulong",
        ["System.Int16"] = "short",
        ["System.UInt16"] = "ushort",
        ["System.IntPtr"] = "nint",
        ["System.UIntPtr"] = "nuint",
        ["System.Object"] = "object",
        ["System.String"] = "string",
        ["System.Void"] = "void",
    };

    private static readonly Dictionary<string, string> s_operators = new(StringComparer.Ordinal)
    {
        ["op_Addition"] = "operator +",
        ["op_Subtraction"] = "operator -",
        ["op_Multiply"] = "operator *",
        ["op_Division"] = "operator /",
        ["op_Modulus"] = "operator %",
        ["op_Equality"] = "operator ==",
        ["op_Inequality"] = "operator !=",
        ["op_LessThan"] = "operator <",
        ["op_GreaterThan"] = "operator >",
        ["op_LessThanOrEqual"] = "operator <=",
        ["op_GreaterThanOrEqual"] = "operator >=",
        ["op_BitwiseAnd"] = "operator &",
        ["op_BitwiseOr"] = "operator |",
        ["op_ExclusiveOr"] = "operator ^",
        ["op_LeftShift"] = "operator <<",
        ["op_RightShift"] = "operator >>",
        ["op_UnsignedRightShift"] = "operator >>>",
        ["op_UnaryNegation"] = "operator -",
        ["op_UnaryPlus"] = "operator +",
        ["op_LogicalNot"] = "operator !",
        ["op_OnesComplement"] = "operator ~",
        ["op_Increment"] = "operator ++",
        ["op_Decrement"] = "operator --",
        ["op_Implicit"] = "implicit operator",
        ["op_Explicit"] = "explicit operator",
        ["op_True"] = "operator true",
        ["op_False"] = "operator false",
    };

    private readonly Dictionary<string, IReadOnlyList<ApiPart>> _types;

    /// <summary>Creates the namer for a set of documented types.</summary>
    /// <param name="types">Full id of each type without <c>T:</c>, with its own type parameters.</param>
    public MemberName(Dictionary<string, IReadOnlyList<ApiPart>> types) => _types = types;

    /// <summary>The last name in an id: <c>T:System.Int32</c> gives <c>Int32</c>, <c>M:A.B.C(System.Int32)</c> gives <c>B.C</c>.</summary>
    public static string Short(string id)
    {
        int start = id.Length > 1 && id[1] == ':' ? 2 : id.StartsWith("Overload:", StringComparison.Ordinal) ? 9 : 0;
        char kind = start == 2 ? id[0] : start == 9 ? 'M' : 'T';
        string path = id[start..];
        int end = path.AsSpan().IndexOfAny('(', '~', '?');
        if (end >= 0) path = path[..end];
        List<string> parts = Segments(path);
        if (kind == 'N' || kind == '!') return path;
        string last = Simple(parts[^1]);
        if (kind == 'T' || parts.Count < 2) return last;
        string type = Simple(parts[^2]);
        return parts[^1] is "#ctor" or "#cctor" ? type : $"{type}.{last}";
    }

    /// <summary>The member with readable names.</summary>
    public ApiMember Resolve(RawMember raw)
    {
        string path = raw.Id[2..], returnType = "";
        int paren = path.IndexOf('(');
        int close = path.LastIndexOf(')');
        string arguments = paren >= 0 && close > paren ? path[(paren + 1)..close] : "";
        if (path.LastIndexOf('~') is > 0 and int tilde) returnType = path[(tilde + 1)..];
        if (path.AsSpan().IndexOfAny('(', '~') is >= 0 and int cut) path = path[..cut];

        List<string> parts = Segments(path);
        bool isType = raw.Id[0] == 'T';
        int typeEnd = isType ? parts.Count : parts.Count - 1;
        int typeStart = FirstType(parts, typeEnd);
        var names = new List<string>();
        string typeName = TypeName(parts, typeStart, typeEnd, names);
        string ns = string.Join('.', parts.Take(typeStart));
        string prefix = ns.Length > 0 ? $"{ns}.{typeName}" : typeName;
        if (isType)
            return Build(raw, ApiMemberKind.Type, ns, typeName, Simple(parts[^1]), prefix);

        string own = parts[^1];
        (ApiMemberKind kind, string name) = KindOf(raw.Id[0], own, parts[^2]);
        var signature = new StringBuilder(prefix).Append('.').Append(name);
        string[] methodNames = raw.TypeParameters.Select(p => p.Name).ToArray();
        if (own.Contains("``", StringComparison.Ordinal)) AppendArity(signature, Arity(own), methodNames, 0);
        var reader = new TypeReader(arguments, names, methodNames);
        List<string> types = arguments.Length > 0 ? reader.List() : [];
        if (kind == ApiMemberKind.Property && types.Count > 0) signature.Append('[').AppendJoin(", ", types).Append(']');
        else if (kind is ApiMemberKind.Method or ApiMemberKind.Constructor or ApiMemberKind.Operator) signature.Append('(').AppendJoin(", ", types).Append(')');
        if (kind == ApiMemberKind.Operator && returnType.Length > 0) signature.Append(" : ").Append(new TypeReader(returnType, names, methodNames).List()[0]);
        return Build(raw, kind, ns, typeName, name, signature.ToString());
    }

    private static ApiMember Build(RawMember raw, ApiMemberKind kind, string ns, string typeName, string name, string signature) => new(
        raw.Id, kind, ns, typeName, name, signature, raw.Summary, raw.TypeParameters, raw.Parameters, raw.Returns, raw.Exceptions, raw.Remarks, raw.Assembly);

    private static (ApiMemberKind, string) KindOf(char letter, string own, string type) => letter switch
    {
        'M' when own is "#ctor" or "#cctor" => (ApiMemberKind.Constructor, Simple(type)),
        'M' when s_operators.TryGetValue(own, out string? symbol) => (ApiMemberKind.Operator, symbol),
        'M' => (ApiMemberKind.Method, Simple(own)),
        'P' => (ApiMemberKind.Property, Simple(own)),
        'E' => (ApiMemberKind.Event, Simple(own)),
        _ => (ApiMemberKind.Field, Simple(own)),
    };

    /// <summary>The index of the outermost type: the first documented or generic segment; without either, the last one.</summary>
    private int FirstType(List<string> parts, int end)
    {
        var path = new StringBuilder();
        for (int i = 0; i < end; i++)
        {
            path.Append(i == 0 ? "" : ".").Append(parts[i]);
            if (parts[i].Contains('`') || _types.ContainsKey(path.ToString())) return i;
        }

        return Math.Max(0, end - 1);
    }

    private string TypeName(List<string> parts, int start, int end, List<string> names)
    {
        var text = new StringBuilder();
        string path = string.Join('.', parts.Take(start));
        for (int i = start; i < end; i++)
        {
            path = path.Length == 0 ? parts[i] : $"{path}.{parts[i]}";
            if (i > start) text.Append('.');
            text.Append(Simple(parts[i]));
            int arity = Arity(parts[i]);
            if (arity == 0) continue;

            // A nested type repeats the parameters of its outer types in its own documentation: the last ones are its own.
            IReadOnlyList<ApiPart> documented = _types.GetValueOrDefault(path, []);
            string[] own = documented.Skip(Math.Max(0, documented.Count - arity)).Select(p => p.Name).ToArray();
            AppendArity(text, arity, own, names.Count);
            for (int k = 0; k < arity; k++) names.Add(k < own.Length ? own[k] : Default(arity, names.Count));
        }

        return text.ToString();
    }

    private static void AppendArity(StringBuilder text, int arity, string[] names, int before)
    {
        text.Append('<');
        for (int k = 0; k < arity; k++) text.Append(k == 0 ? "" : ", ").Append(k < names.Length ? names[k] : Default(arity, before + k));
        text.Append('>');
    }

    private static string Default(int arity, int index) => arity == 1 ? "T" : $"T{index + 1}";

    private static int Arity(string segment)
    {
        int tick = segment.LastIndexOf('`');
        return tick >= 0 && int.TryParse(segment.AsSpan(tick + 1), out int arity) ? Math.Min(arity, 32) : 0;
    }

    /// <summary>A segment without arity; explicit interface implementations <c>A#B{C}#D</c> become <c>B.D</c>.</summary>
    private static string Simple(string segment)
    {
        int tick = segment.IndexOf('`');
        if (tick >= 0) segment = segment[..tick];
        if (!segment.Contains('#') || segment[0] == '#') return segment.TrimStart('#');
        var kept = new StringBuilder();
        int depth = 0;
        foreach (char c in segment)
        {
            depth += c == '{' ? 1 : 0;
            if (depth == 0) kept.Append(c);
            depth -= c == '}' ? 1 : 0;
        }

        string[] names = kept.ToString().Split('#', StringSplitOptions.RemoveEmptyEntries);
        return names.Length < 2 ? names.FirstOrDefault(segment) : $"{names[^2]}.{names[^1]}";
    }

    private static List<string> Segments(string path)
    {
        var parts = new List<string>();
        int depth = 0, start = 0;
        for (int i = 0; i < path.Length; i++)
        {
            depth += path[i] switch { '{' => 1, '}' => -1, _ => 0 };
            if (path[i] != '.' || depth != 0) continue;
            parts.Add(path[start..i]);
            start = i + 1;
        }

        parts.Add(path[start..]);
        return parts;
    }

    /// <summary>Reads the comma-separated types inside the parentheses of an id.</summary>
    private sealed class TypeReader(string text, IReadOnlyList<string> typeNames, IReadOnlyList<string> methodNames)
    {
        private int _at;

        public List<string> List()
        {
            var types = new List<string>();
            do types.Add(Type(0));
            while (_at < text.Length && text[_at++] == ',');
            return types;
        }

        private string Type(int nesting)
        {
            int start = _at;
            while (_at < text.Length && text[_at] is not ('{' or '}' or ',' or '@' or '*' or '[')) _at++;
            string name = Named(text[start.._at]);
            if (_at < text.Length && text[_at] == '{' && nesting < 32)
            {
                var inner = new List<string>();
                do
                {
                    _at++;
                    inner.Add(Type(nesting + 1));
                }
                while (_at < text.Length && text[_at] == ',');
                if (_at < text.Length) _at++;
                name = name == "Nullable" && inner.Count == 1 ? $"{inner[0]}?" : $"{name}<{string.Join(", ", inner)}>";
                if (_at < text.Length && text[_at] == '.') return $"{name}.{Type(nesting + 1)}";
            }

            return Suffixes(name);
        }

        private string Suffixes(string name)
        {
            bool byReference = false;
            for (; _at < text.Length && text[_at] is '@' or '*' or '['; _at++)
            {
                if (text[_at] == '@') byReference = true;
                else if (text[_at] == '*') name += "*";
                else
                {
                    int close = text.IndexOf(']', _at);
                    int rank = close < 0 ? 1 : text.AsSpan(_at, close - _at).Count(',') + 1;
                    name += $"[{new string(',', rank - 1)}]";
                    _at = close < 0 ? text.Length - 1 : close;
                }
            }

            return byReference ? $"ref {name}" : name;
        }

        private string Named(string path)
        {
            if (path.StartsWith("``", StringComparison.Ordinal)) return Parameter(path.AsSpan(2), methodNames);
            if (path.StartsWith('`')) return Parameter(path.AsSpan(1), typeNames);
            if (s_keywords.TryGetValue(path, out string? keyword)) return keyword;
            string last = path[(path.LastIndexOf('.') + 1)..];
            return Simple(last.Length > 0 ? last : path);
        }

        private static string Parameter(ReadOnlySpan<char> index, IReadOnlyList<string> names) =>
            int.TryParse(index, out int i) && i < names.Count ? names[i] : $"T{index}";
    }
}
