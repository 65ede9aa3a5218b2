using System.Diagnostics.CodeAnalysis;
using YamlDotNet.Core;

namespace Craton.Training.Configuration;

/// <summary>
/// Reads recipes: YAML bound to immutable records. A key is the property's name in snake_case; what the file does not say keeps
/// the value of the property's initialiser; a <c>required</c> property must be said. Every error is reported at once.
/// </summary>
/// <remarks>
/// A <see cref="RecipePart"/> has <c>init</c> properties of type bool, int, long, float, double, string, an enumeration, another
/// part, or <c>IReadOnlyList</c>/array of these; all may be nullable. Whole numbers may be written <c>500_000</c>, <c>2k</c>,
/// <c>30M</c> or <c>1.5B</c>. Limits are attributes (<see cref="PositiveAttribute"/>, <see cref="NonNegativeAttribute"/>,
/// <see cref="RangeAttribute"/>), relations between values <see cref="RecipePart.Check"/>.
/// </remarks>
public static class RecipeReader
{
    /// <summary>The top-level key that names the kind of recipe and so its record.</summary>
    public const string KindKey = "recipe";

    /// <summary>The kind that a recipe says it is: <c>pretrain</c>, <c>sft</c>, …</summary>
    /// <exception cref="RecipeException">It says none, or is no YAML.</exception>
    public static string Kind(string yaml, string file, IReadOnlyList<string>? overrides = null)
    {
        RecipeNode.Map root = Tree(yaml, file, overrides ?? [], []);
        return root[KindKey] is RecipeNode.Value { IsNull: false } kind ? kind.Text
            : throw new RecipeException(file, [$"line 1: {KindKey}: expected the kind of recipe, as in '{KindKey}: pretrain'"]);
    }

    /// <summary>Reads a recipe.</summary>
    /// <param name="yaml">The text of the file.</param>
    /// <param name="file">Its name, for errors.</param>
    /// <param name="overrides">Settings that replace those of the file: <c>optimizer.learning_rate=1e-4</c>.</param>
    /// <exception cref="RecipeException">Something is wrong with it; everything that is, is said.</exception>
    public static TRecipe Read<[DynamicallyAccessedMembers(RecipePart.Kept)] TRecipe>(string yaml, string file, IReadOnlyList<string>? overrides = null)
        where TRecipe : RecipePart
    {
        var errors = new List<string>();
        RecipeNode.Map root = Tree(yaml, file, overrides ?? [], errors);
        var recipe = (TRecipe)new RecipeBinder(errors).Record(typeof(TRecipe), root, "", null, ignored: KindKey);
        return errors.Count == 0 ? recipe : throw new RecipeException(file, errors);
    }

    private static RecipeNode.Map Tree(string yaml, string file, IReadOnlyList<string> overrides, List<string> errors)
    {
        try
        {
            RecipeNode node = RecipeNode.Parse(yaml, line => $"line {line}", errors);
            if (node is not RecipeNode.Map root)
                throw new RecipeException(file, [$"{node.Where}: expected keys and values, as in '{KindKey}: pretrain'"]);
            foreach (string setting in overrides) RecipeNode.Override(root, setting, errors);
            return root;
        }
        catch (YamlException error)
        {
            throw new RecipeException(file, [.. errors,
                $"{RecipeNode.Place(error)}: this is not valid YAML here ({RecipeNode.Reason(error)})"]);
        }
    }
}
