using Craton.Models.Generation;
using Xunit.Abstractions;

namespace Craton.Models.Tests.Generation;

public sealed class ToolCallTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>", "", "f {\"a\": 1}")]
    [InlineData("I look.\n<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>\n<tool_call>{\"name\": \"g\", \"arguments\": \"{\\\"b\\\": 2}\"}</tool_call>", "I look.", "f {}, g {\"b\": 2}")]
    [InlineData("<tool_call>{\"name\": \"f\", \"arguments\": {}}", "", "f {}")] // cut off
    [InlineData("{\"name\": \"f\", \"parameters\": {\"a\": \"}é\"}}", "", "f {\"a\": \"}é\"}")]
    [InlineData("<|python_tag|>{\"name\": \"f\", \"parameters\": {}}; {\"name\": \"g\", \"parameters\": {}}", "", "f {}, g {}")]
    [InlineData("[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {\"a\": [1]}, \"id\": \"abc123XYZ\"}]", "", "f {\"a\": [1]} abc123XYZ")]
    [InlineData("[TOOL_CALLS]f[ARGS]{\"a\": 1}", "", "f {\"a\": 1}")]
    [InlineData("Action: ```json\n[\n {\"tool_name\": \"f\", \"parameters\": {}}\n]```", "", "f {}")]
    [InlineData("<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{\"a\": 1}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>g\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>", "", "f {\"a\": 1}, g {}")]
    [InlineData("<|start|>assistant to=functions.f<|channel|>commentary<|message|>{\"a\": 1}<|end|>", "", "f {\"a\": 1}")]
    [InlineData("<|channel|>commentary to=functions.f <|message|>{}<|call|>", "", "f {}")]
    public void CallsOfTheKnownForms(string answer, string text, string calls)
    {
        (string found, IReadOnlyList<ToolCall> read) = ToolCalls.Parse(answer);
        Assert.Equal(text, found);
        Assert.Equal(calls, string.Join(", ", read.Select(c => $"{c.Name} {c.Arguments.GetRawText()} {c.Id}".TrimEnd())));
    }

    [Theory]
    [InlineData("The answer is 4.")]
    [InlineData("{\"a\": 1}")]
    [InlineData("[1, 2]")]
    [InlineData("<tool_call>\n{\"name\": \"f\", \"arguments\":")]
    [InlineData("<tool_call>{\"name\": 1, \"arguments\": {}}</tool_call>")]
    [InlineData("<tool_call>{\"name\": \"f\", \"arguments\": [1]}</tool_call>")]
    [InlineData("<tool_call>{\"name\": \"\\ud800\", \"arguments\": {}}</tool_call>")]
    [InlineData("[TOOL_CALLS] none")]
    [InlineData("")]
    public void WhatIsNoCallStaysText(string answer)
    {
        (string text, IReadOnlyList<ToolCall> calls) = ToolCalls.Parse(answer);
        Assert.Equal(answer, text);
        Assert.Empty(calls);
    }

    [Fact]
    public void DamagedAnswersNeverFail()
    {
        const int Seed = 7, Count = 100_000;
        output.WriteLine($"seed {Seed}");
        string[] pieces = ["<tool_call>", "</tool_call>", "[TOOL_CALLS]", "<|python_tag|>", "Action: ```json", "<｜tool▁call▁begin｜>function<｜tool▁sep｜>", " to=functions.", "<|message|>", "[ARGS]", "```",
            "{\"name\": \"f\", \"arguments\": {\"a\": 1}}", "{", "}", "[", "]", "\"", "name", ":", ",", ";", "\\u", "\\ud800", "f", " ", "\n", "é", "\ud800"];
        var random = new Random(Seed);
        int found = 0;
        for (int i = 0; i < Count; i++)
            found += ToolCalls.Parse(string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => pieces[random.Next(pieces.Length)]))).Calls.Count;
        Assert.True(found > 0);
    }
}
