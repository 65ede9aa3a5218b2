using System.CommandLine;
using Craton.Models.Hub;

namespace Craton.Cli;

/// <summary><c>-m</c>: a path, or the name of a model that was pulled.</summary>
internal sealed class ModelOption : Option<string>
{
    public ModelOption(string description) : base("--model", "-m")
    {
        Description = $"{description}, or the name of one that was pulled";
        Required = true;
        CustomParser = result => ModelHub.Resolve(result.Tokens[0].Value);
    }
}
