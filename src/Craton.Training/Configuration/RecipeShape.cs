using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Craton.Training.Configuration;

/// <summary>What a recipe's record consists of: its settable properties, base records first, each in the order declared.</summary>
internal sealed class RecipeShape
{
    private static readonly NullabilityInfoContext Nullability = new();

    private RecipeShape(IReadOnlyList<Member> members) => Members = members;

    public IReadOnlyList<Member> Members { get; }

    /// <summary>A property and the key it has in YAML.</summary>
    public sealed record Member(PropertyInfo Property, string Key, bool Required, bool Nullable, NumberRuleAttribute[] Rules);

    public static RecipeShape Of(RecipePart record) => Of(record.GetType());

    public static RecipeShape Of([DynamicallyAccessedMembers(RecipePart.Kept)] Type type)
    {
        var members = new List<Member>();
        for (Type? level = type; level is not null && level != typeof(RecipePart); level = level.BaseType)
        {
            const BindingFlags declared = BindingFlags.Instance | BindingFlags.Public | BindingFlags.DeclaredOnly;
            members.InsertRange(0, level.GetProperties(declared)
                .Where(property => property.SetMethod is { IsPublic: true } && members.TrueForAll(overriding => overriding.Property.Name != property.Name))
                .OrderBy(property => property.MetadataToken).Select(Describe));
        }
        return new RecipeShape(members);
    }

    /// <summary>The name of a property or of an enumeration's value as recipes write it.</summary>
    public static string KeyOf(string name) => JsonNamingPolicy.SnakeCaseLower.ConvertName(name);

    /// <summary>The type when it is bound property by property, otherwise null.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2068", Justification = "Types that derive from RecipePart keep what its attribute names.")]
    [return: DynamicallyAccessedMembers(RecipePart.Kept)]
    public static Type? PartOf(Type type) => type.IsSubclassOf(typeof(RecipePart)) ? type : null;

    /// <summary>The element type of a list's type; null when it is none.</summary>
    public static Type? ElementOf(Type type) =>
        type.IsArray ? type.GetElementType()
        : type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GetGenericArguments()[0]
        : null;

    private static Member Describe(PropertyInfo property)
    {
        bool nullable;
        lock (Nullability) // the context is not safe for several threads
        {
            nullable = Nullability.Create(property).WriteState == NullabilityState.Nullable;
        }
        return new Member(property, KeyOf(property.Name), property.IsDefined(typeof(RequiredMemberAttribute)), nullable,
            [.. property.GetCustomAttributes<NumberRuleAttribute>()]);
    }
}
