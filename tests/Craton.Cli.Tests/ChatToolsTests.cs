using System.Text.Json.Nodes;

namespace Craton.Cli.Tests;

/// <summary>What <c>craton chat</c> makes of calls of tools: a model that learnt one answer gives it.</summary>
public sealed class ChatToolsTests : IDisposable
{
    private readonly Tool _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void Calls_of_tools_are_told_apart_from_text()
    {
        _tool.Write("text.txt", Tiny.Text(40) + string.Concat(Enumerable.Repeat("{\"name\":\"add\",\"arguments\":{}}\n", 40)));
        _tool.Write("tiny.yaml", Tiny.Recipe("text.txt"));
        string model = (string)_tool.Run("train", "tiny.yaml", "--json").Json["model_dir"]!;
        _tool.Write("rows.jsonl", string.Concat(Enumerable.Repeat("""{"prompt":"go","completion":"{\"name\":\"add\",\"arguments\":{}}"}""" + "\n", 20)));
        _tool.Write("chat.yaml", Tiny.Chat(model, "rows.jsonl"));
        string chat = (string)_tool.Run("train", "chat.yaml", "--json", "--set", "train.steps=150", "--set", "optimizer.learning_rate=0.01").Json["model_dir"]!;
        _tool.Write("tools.json", """[{"type":"function","function":{"name":"add","parameters":{"type":"object"}}}]""");
        string[] ask = ["chat", "-m", chat, "--message", "go", "--temperature", "0", "--max-tokens", "36", "--json"];

        JsonNode plain = _tool.Run(ask).Json["turns"]![1]!;
        Assert.Equal(("{\"name\":\"add\",\"arguments\":{}}", "stop"), ((string)plain["content"]!, (string)plain["finish_reason"]!));
        ToolResult result = _tool.Run([.. ask, "--tools", "tools.json"]);
        JsonNode turn = result.Json["turns"]![1]!;
        Assert.Equal(("", "tool_calls"), ((string)turn["content"]!, (string)turn["finish_reason"]!));
        Assert.Equal("""[{"type":"function","function":{"name":"add","arguments":{}}}]""", turn["tool_calls"]!.ToJsonString());
        Assert.Contains("(calls add with {})", result.Error, StringComparison.Ordinal);

        Bad.Expect(_tool.Run([.. ask, "--tools", "none.json"]), "--tools", "list of functions");
        Bad.Expect(_tool.Run([.. ask, "--tools", _tool.Write("bad.json", "{}")]), "--tools", "list of functions");
    }
}
