using System.CommandLine;
using Craton.Models.Diffusion.Discrete;
using Craton.Models.Generation;
using Craton.Tensors;
using Craton.Tokenizers;

namespace Craton.Cli;

/// <summary>Which places of a text are unmasked first.</summary>
internal enum UnmaskingOrder
{
    /// <summary>Any.</summary>
    Random,
    /// <summary>Those of which the model is most sure.</summary>
    Confidence,
}

/// <summary>How a model of the recipe <c>text-diffusion</c> writes: options that other models have no use for.</summary>
internal sealed class UnmaskingArguments
{
    private readonly Option<int?> _steps = new("--steps") { Description = "Models that denoise: in how many steps the text is unmasked (default: one for each token)" };
    private readonly Option<UnmaskingOrder> _order = new("--order") { Description = "Models that denoise: whether places are unmasked in a random order or by confidence" };
    private readonly Option<string?> _suffix = new("--suffix") { Description = "Models that denoise: the text that follows; what is written fills the gap before it" };

    private Option[] All => [_steps, _order, _suffix];

    public void AddTo(Command command)
    {
        foreach (Option option in All) command.Options.Add(option);
    }

    /// <summary>Refuses the options for a model that writes from left to right.</summary>
    public void RefuseWithDecoder(ParseResult parsed)
    {
        if (Array.Find(All, option => IsGiven(parsed, option)) is { } given)
            throw new CratonException($"{given.Name} was given, which is for models of the recipe text-diffusion; leave it out, or give such a model");
    }

    /// <summary>Refuses every option of the verb that is neither one of these nor one of the known ones.</summary>
    public void RefuseOthers(ParseResult parsed, IEnumerable<Option> known)
    {
        if (parsed.CommandResult.Command.Options.Except([.. known, .. All]).FirstOrDefault(option => IsGiven(parsed, option)) is { } given)
            throw new CratonException($"{given.Name} was given, which is for models that write from left to right; this one denoises: leave it out");
    }

    /// <summary>The tokens that follow; none where nothing was given.</summary>
    public int[] Suffix(ParseResult parsed, Tokenizer tokenizer) => tokenizer.Encode(parsed.GetValue(_suffix) ?? "");

    /// <summary>The options for so many new tokens.</summary>
    public UnmaskingOptions Read(ParseResult parsed, int length, double? temperature)
    {
        int steps = parsed.GetValue(_steps) ?? length;
        if (steps < 1) throw new CratonException($"--steps: expected 1 or more, got {steps}");
        var drawing = new SamplingOptions { Temperature = temperature ?? 1 };
        SamplingArguments.Check(drawing.Validate);
        return new UnmaskingOptions(steps) { Temperature = drawing.Temperature, RandomOrder = parsed.GetValue(_order) == UnmaskingOrder.Random };
    }

    private static bool IsGiven(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };
}
