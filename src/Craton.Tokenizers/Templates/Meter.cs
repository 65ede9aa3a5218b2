using System.Numerics;
using System.Runtime.CompilerServices;

namespace Craton.Tokenizers.Templates;

/// <summary>Counts what a rendering has used, and stops it at the limits: always before the memory is asked for.</summary>
internal sealed class Meter(TemplateLimits limits)
{
    private const int CharactersPerStep = 8;

    private long _steps;
    private int _depth;

    /// <summary>Takes steps, such as one for each item of a list.</summary>
    public void Steps(long count)
    {
        if (count > limits.Steps - _steps)
            throw new TemplateLimitException($"the chat template was stopped after {limits.Steps:N0} steps; shorten the conversation, or mend the template if it never ends");
        _steps += count;
    }

    /// <summary>Takes steps; the count may be larger than any memory.</summary>
    public void Steps(BigInteger count) => Steps((long)BigInteger.Min(count, long.MaxValue));

    /// <summary>Takes the steps for a text that is about to be made or read through.</summary>
    public void Text(long length)
    {
        Total(length);
        Steps(1 + length / CharactersPerStep);
    }

    /// <summary>The same; the length may be larger than any memory.</summary>
    public void Text(BigInteger length) => Text((long)BigInteger.Min(length, long.MaxValue));

    /// <summary>Checks the length of a text.</summary>
    public void Total(long length)
    {
        if (length > limits.TextLength)
            throw new TemplateLimitException($"the chat template makes a text of more than {limits.TextLength:N0} characters; shorten the conversation, or mend the template");
    }

    /// <summary>Goes one level deeper; a failure ends the rendering, so only success comes back up.</summary>
    public void Enter()
    {
        Steps(1);
        if (++_depth > limits.Depth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new TemplateLimitException($"the chat template nests or calls itself more than {limits.Depth} levels deep; mend the template");
    }

    /// <summary>Comes one level up.</summary>
    public void Leave() => _depth--;

    /// <summary>Checks the length of a range.</summary>
    public void Range(BigInteger length)
    {
        if (length > limits.RangeLength)
            throw new TemplateLimitException($"range: {length} items are more than the {limits.RangeLength:N0} allowed");
    }

    /// <summary>Checks the size of an integer before it is computed.</summary>
    public void Integer(BigInteger bits)
    {
        if (bits > limits.IntegerBits)
            throw new TemplateLimitException($"the chat template computes an integer of more than {limits.IntegerBits:N0} bits");
    }
}
