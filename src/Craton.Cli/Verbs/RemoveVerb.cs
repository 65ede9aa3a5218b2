using System.CommandLine;
using System.Text.Json.Nodes;
using Craton.Tensors;

namespace Craton.Cli.Verbs;

/// <summary><c>craton rm FOLDER</c>: removes a model directory or a run, after asking.</summary>
internal sealed class RemoveVerb : Verb
{
    private readonly Argument<string> _folder = new("FOLDER") { Description = "A model directory, or a run with everything in it" };
    private readonly Option<bool> _yes = new("--yes", "-y") { Description = "Do not ask" };

    public override Command Build()
    {
        var command = new Command("rm", "Remove a model or a run") { _folder, _yes };
        OnRun(command, (parsed, output) =>
        {
            string folder = parsed.GetValue(_folder)!;
            bool model = File.Exists(Path.Combine(folder, "config.json")), run = File.Exists(Path.Combine(folder, "recipe.yaml"));
            if (!model && !run) throw new CratonException($"'{folder}' is neither a model directory (config.json) nor a run (recipe.yaml), so it is not removed");
            long bytes = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length);
            bool removed = parsed.GetValue(_yes) || Confirm(folder, run ? "run" : "model", bytes);
            if (removed) Directory.Delete(folder, recursive: true);
            output.Result(new JsonObject { ["folder"] = folder, ["removed"] = removed, ["bytes"] = bytes });
            output.Info(removed ? $"removed {folder}" : "nothing was removed");
            return 0;
        });
        return command;
    }

    private static bool Confirm(string folder, string what, long bytes)
    {
        if (Console.IsInputRedirected) throw new CratonException($"removing the {what} '{folder}' ({bytes / 1e6:F1} MB) needs a confirmation; add --yes");
        Console.Error.Write($"Remove the {what} '{folder}' ({bytes / 1e6:F1} MB)? [y/N] ");
        return Console.In.ReadLine() is "y" or "Y" or "yes";
    }
}
