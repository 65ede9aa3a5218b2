using System.Diagnostics.CodeAnalysis;

namespace Craton.Training.Configuration;

/// <summary>
/// A recipe, or a group of keys in one: each <c>init</c> property is a key. Records of this kind keep their properties and their constructor
/// when a program is trimmed.
/// </summary>
[DynamicallyAccessedMembers(Kept)]
public abstract record RecipePart
{
    internal const DynamicallyAccessedMemberTypes Kept = DynamicallyAccessedMemberTypes.PublicProperties | DynamicallyAccessedMemberTypes.PublicParameterlessConstructor;

    /// <summary>Compares values that must agree with each other, such as <c>width</c> divisible by <c>heads</c>.</summary>
    /// <returns>A sentence for each thing wrong; none when all is well. Called only when every single value is valid.</returns>
    public virtual IEnumerable<string> Check() => [];
}
