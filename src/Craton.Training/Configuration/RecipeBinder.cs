using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Craton.Training.Configuration;

/// <summary>Binds a tree to records and collects every error on the way instead of stopping at the first.</summary>
internal sealed class RecipeBinder(List<string> errors)
{
    /// <summary>A record from a map; what the map does not say keeps the value it has in <paramref name="defaults"/>.</summary>
    /// <param name="type">The record's type, with a constructor without parameters.</param>
    /// <param name="node">The map.</param>
    /// <param name="path">Where it is in the recipe: empty, or ends with a dot.</param>
    /// <param name="defaults">Gives the defaults, or null for those of the type; it is not changed.</param>
    /// <param name="ignored">A key that is not for this record.</param>
    public RecipePart Record([DynamicallyAccessedMembers(RecipePart.Kept)] Type type, RecipeNode.Map node, string path, RecipePart? defaults, string? ignored = null)
    {
        RecipePart record = defaults is null ? (RecipePart)Activator.CreateInstance(type)! : defaults with { };
        RecipeShape shape = RecipeShape.Of(type);
        int before = errors.Count;
        foreach ((string key, RecipeNode value) in node.Entries)
        {
            if (key == ignored) continue;
            RecipeShape.Member? member = shape.Members.FirstOrDefault(m => m.Key == key);
            if (member is null)
            {
                errors.Add($"{value.Where}: {path}{key}: there is no such key{Suggestion.For(key, shape.Members.Select(m => m.Key))}");
                continue;
            }
            Set(record, member, value, path + key);
        }
        foreach (RecipeShape.Member member in shape.Members)
        {
            if (member.Required && node[member.Key] is null)
                errors.Add($"{node.Where}: {path}{member.Key}: the key is missing; give {Expected(member.Property.PropertyType, member)}");
        }
        if (errors.Count == before)
            errors.AddRange(record.Check().Select(problem => $"{node.Where}: {(path.Length == 0 ? "" : path[..^1] + ": ")}{problem}"));
        return record;
    }

    private void Set(RecipePart record, RecipeShape.Member member, RecipeNode node, string path)
    {
        if (node is RecipeNode.Value { IsNull: true } && member.Property.PropertyType != typeof(string))
        {
            if (member.Nullable) member.Property.SetValue(record, null);
            else Wrong(node, path, member.Property.PropertyType, member);
            return;
        }
        var current = member.Property.GetValue(record) as RecipePart;
        if (Bind(member.Property.PropertyType, node, path, member, current) is { } value) member.Property.SetValue(record, value);
        else if (member.Nullable && node is RecipeNode.Value { IsNull: true }) member.Property.SetValue(record, null);
    }

    /// <summary>The value of a node; null when there was an error, which has been noted, or when it is a null that is allowed.</summary>
    private object? Bind(Type type, RecipeNode node, string path, RecipeShape.Member member, RecipePart? current)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (RecipeShape.PartOf(type) is { } part)
            return node is RecipeNode.Map map ? Record(part, map, path + ".", current) : Wrong(node, path, type, member);
        if (RecipeShape.ElementOf(type) is { } element)
            return node is RecipeNode.List list ? Items(element, list, path, member) : Wrong(node, path, type, member);
        if (node is not RecipeNode.Value value) return Wrong(node, path, type, member);
        if (type == typeof(string)) return value.IsNull ? (member.Nullable ? null : Wrong(node, path, type, member)) : value.Text;
        if (type.IsEnum) return EnumValue(type, value, path);
        if (!value.Plain)
        {
            errors.Add($"{node.Where}: {path}: expected {Expected(type, member)}, got the text \"{value.Text}\"; remove the quotes");
            return null;
        }
        if (type == typeof(bool)) return value.Text is "true" or "false" ? value.Text == "true" : Wrong(node, path, type, member);
        return Number(type, value, path, member);
    }

    private Array Items(Type element, RecipeNode.List list, string path, RecipeShape.Member member)
    {
        var items = Array.CreateInstance(element, list.Items.Count);
        for (int i = 0; i < items.Length; i++)
        {
            string place = string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]");
            if (Bind(element, list.Items[i], place, member with { Nullable = false }, null) is { } item) items.SetValue(item, i);
        }
        return items;
    }

    private object? EnumValue(Type type, RecipeNode.Value value, string path)
    {
        string[] names = [.. Enum.GetNames(type).Select(RecipeShape.KeyOf)];
        int at = Array.IndexOf(names, value.Text);
        if (at >= 0) return Enum.Parse(type, Enum.GetNames(type)[at]);
        errors.Add($"{value.Where}: {path}: expected one of {string.Join(", ", names)}, got '{value.Text}'");
        return null;
    }

    private object? Number(Type type, RecipeNode.Value value, string path, RecipeShape.Member member)
    {
        object? number = null;
        bool whole = type == typeof(int) || type == typeof(long);
        if (whole && RecipeNumbers.Count(value.Text) is { } count)
        {
            (decimal least, decimal most) = type == typeof(int) ? (int.MinValue, int.MaxValue) : (long.MinValue, (decimal)long.MaxValue);
            if (count >= least && count <= most) number = type == typeof(int) ? (object)(int)count : (long)count;
        }
        else if (!whole && RecipeNumbers.Real(value.Text) is { } real)
        {
            if (type == typeof(float) && float.IsFinite((float)real)) number = (float)real;
            else if (type == typeof(double) && double.IsFinite(real)) number = real;
            else if (type != typeof(float) && type != typeof(double))
                throw new NotSupportedException($"Recipes have no values of type {type} ({path}).");
        }
        if (number is null) return Wrong(value, path, type, member);
        double size = Convert.ToDouble(number, CultureInfo.InvariantCulture);
        return member.Rules.All(rule => rule.Allows(size)) ? number : Wrong(value, path, type, member);
    }

    private object? Wrong(RecipeNode node, string path, Type type, RecipeShape.Member member)
    {
        string got = node switch
        {
            RecipeNode.Map => "a group of keys",
            RecipeNode.List => "a list",
            RecipeNode.Value { IsNull: true } => "nothing",
            RecipeNode.Value value => $"'{value.Text}'",
            _ => "something else",
        };
        errors.Add($"{node.Where}: {path}: expected {Expected(type, member)}, got {got}");
        return null;
    }

    private static string Expected(Type type, RecipeShape.Member member)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (RecipeShape.ElementOf(type) is { } element) return $"a list, each item {Expected(element, member)}";
        if (RecipeShape.PartOf(type) is not null) return "a group of keys";
        if (type.IsEnum) return "one of " + string.Join(", ", Enum.GetNames(type).Select(RecipeShape.KeyOf));
        if (type == typeof(string)) return "a text";
        if (type == typeof(bool)) return "true or false";
        string limits = string.Join(" and ", member.Rules.Select(rule => rule.Expected));
        string number = type == typeof(int) || type == typeof(long) ? "a whole number" : "a finite number";
        return limits.Length == 0 ? number : number + " " + limits;
    }
}
