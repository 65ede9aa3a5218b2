using System.Globalization;

namespace Craton.Training.Configuration;

/// <summary>A limit for the numbers of a property. All numbers of a recipe must be finite, with or without a rule.</summary>
[AttributeUsage(AttributeTargets.Property)]
public abstract class NumberRuleAttribute : Attribute
{
    /// <summary>What is allowed, to follow "expected a number": <c>above 0</c>.</summary>
    public abstract string Expected { get; }

    /// <summary>Whether a number is allowed.</summary>
    public abstract bool Allows(double value);
}

/// <summary>Above zero.</summary>
public sealed class PositiveAttribute : NumberRuleAttribute
{
    /// <inheritdoc/>
    public override string Expected => "above 0";

    /// <inheritdoc/>
    public override bool Allows(double value) => value > 0;
}

/// <summary>Zero or above.</summary>
public sealed class NonNegativeAttribute : NumberRuleAttribute
{
    /// <inheritdoc/>
    public override string Expected => "of 0 or above";

    /// <inheritdoc/>
    public override bool Allows(double value) => value >= 0;
}

/// <summary>From a least to a largest number, both allowed.</summary>
public sealed class RangeAttribute(double least, double most) : NumberRuleAttribute
{
    /// <summary>The least number.</summary>
    public double Least => least;

    /// <summary>The largest number.</summary>
    public double Most => most;

    /// <inheritdoc/>
    public override string Expected => string.Create(CultureInfo.InvariantCulture, $"from {least} to {most}");

    /// <inheritdoc/>
    public override bool Allows(double value) => value >= least && value <= most;
}

