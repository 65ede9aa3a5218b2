namespace Craton.Cli.Tests;

/// <summary>One model from nothing and one tuned to converse, trained once for all tests by the tool itself.</summary>
public sealed class TrainedModel : IDisposable
{
    internal Tool Tool { get; } = new();

    internal string Model { get; }

    internal string Chat { get; }

    public TrainedModel()
    {
        Tool.Write("text.txt", Tiny.Text());
        Tool.Write("rows.jsonl", Tiny.Rows());
        Tool.Write("tiny.yaml", Tiny.Recipe("text.txt"));
        Model = (string)Tool.Run("train", "tiny.yaml", "--json").Json["model_dir"]!;
        Tool.Write("chat.yaml", Tiny.Chat(Model, "rows.jsonl"));
        Chat = (string)Tool.Run("train", "chat.yaml", "--json").Json["model_dir"]!;
    }

    public void Dispose() => Tool.Dispose();
}
