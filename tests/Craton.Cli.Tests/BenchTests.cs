using System.Text.Json.Nodes;

namespace Craton.Cli.Tests;

/// <summary><c>craton bench</c> measures, compares with what is installed, and says what is not.</summary>
public sealed class BenchTests : IDisposable
{
    private readonly Tool _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void Figures_stand_beside_the_limits_of_the_machine()
    {
        JsonObject json = _tool.Run("bench", "--json", "--only", "products", "--runs", "1").Json;
        Assert.All(["model", "isa", "class", "cores"], name => Assert.NotNull(json["machine"]![name]));
        foreach (string moment in (string[])["before", "after"])
            Assert.All(["fma_1", "fma_n", "triad", "read"], name => Assert.True((double)json["limits"]![moment]![name]! > 0));
        JsonArray figures = json["figures"]!.AsArray();
        Assert.Equal(7, figures.Count);
        Assert.All(figures, figure => Assert.True((double)figure!["median"]! > 0 && (double)figure["limit_share"]! > 0 && (int)figure["n"]! == 1));
    }

    [Fact]
    public void Peers_that_are_not_installed_are_named_with_how_to_install_them()
    {
        (string, string)[] nothing = [("PATH", ""), ("CRATON_PYTHON", ""), ("CRATON_NODE_MODULES", _tool.At("nowhere"))];
        ToolResult result = _tool.RunIn(nothing, "bench", "--vs", "--json", "--runs", "1", "--only", "skinny-1,encode-cl100k");
        JsonObject json = result.Json;
        Assert.Empty(json["ratios"]!.AsObject());
        Assert.True((double)json["limit_share"]!["skinny-1"]! > 0); // our own speed is measured all the same
        Assert.Contains("apt-get install python3", result.Error, StringComparison.Ordinal);
        Assert.Contains("npm i in bench/peers", result.Error, StringComparison.Ordinal);
        Assert.Equal(2, json["notes"]!.AsArray().Count);
    }

    [Fact]
    public void Ratios_come_from_alternation_with_a_peer()
    {
        if (OperatingSystem.IsWindows()) return;
        // Stands for a python with PyTorch: every step takes it a thousand seconds, or so it says.
        string python = _tool.Write("python", "#!/bin/sh\n[ \"$1\" = -c ] && exit 0\necho '{\"version\": \"0\"}'\nwhile read line; do echo '{\"seconds\": 1000}'; done\n");
        File.SetUnixFileMode(python, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        JsonObject json = _tool.RunIn([("CRATON_PYTHON", python)], "bench", "--vs", "--json", "--runs", "2", "--only", "train-tiny").Json;
        JsonObject ratio = json["ratios"]!["train-tiny"]!.AsObject();
        Assert.Equal("PyTorch 0", (string?)ratio["peer_name"]);
        Assert.Equal((2, 1000), ((int)ratio["n"]!, (double)ratio["peer"]!));
        Assert.InRange((double)ratio["median"]!, (double)ratio["min"]!, (double)ratio["max"]!);
        Assert.InRange(1000 / (double)ratio["ours"]!, (double)ratio["min"]!, (double)ratio["max"]!);
        Assert.True((double)json["limit_share"]!["train-tiny"]! > 0);
    }

    [Fact]
    public void The_engine_answers_clients_with_or_without_a_server_to_compare_it_with()
    {
        JsonObject json = _tool.RunIn([("PATH", ""), ("CRATON_LLAMA_BENCH", "")], "bench", "--vs", "--json", "--runs", "1", "--only", "engine8-15m-q8").Json;
        Assert.Empty(json["ratios"]!.AsObject());
        Assert.Contains("llama.cpp is not installed", (string?)Assert.Single(json["notes"]!.AsArray()), StringComparison.Ordinal);
        File.WriteAllText(_tool.At("llama-bench"), "");
        json = _tool.RunIn([("CRATON_LLAMA_BENCH", _tool.At("llama-bench"))], "bench", "--vs", "--json", "--runs", "1", "--only", "engine8-15m-q8").Json;
        Assert.Contains("llama-server", (string?)Assert.Single(json["notes"]!.AsArray()), StringComparison.Ordinal);
    }

    [Fact]
    public void A_profile_names_operations_with_their_share_of_the_step()
    {
        JsonObject json = _tool.Run("bench", "--profile", "tiny", "--json", "--runs", "1").Json;
        JsonArray ops = json["ops"]!.AsArray();
        foreach (string pass in (string[])["forward", "backward"])
            Assert.Contains(ops, op => (string?)op!["op"] == "linear 512→128 of gelu" && (string?)op["pass"] == pass && (double)op["gflops"]! > 0 && (long)op["calls"]! == 4);
        Assert.Contains(ops, op => (string?)op!["op"] == "adamw" && (string?)op["pass"] == "update");
        Assert.InRange(ops.Sum(op => (double)op!["share"]!), 0.5, 1);
    }

    [Theory]
    [InlineData("'sprints'", "products", "bench", "--only", "sprints")]
    [InlineData("'train-1t'", "train-124m", "bench", "--vs", "--only", "adamw,train-1t")]
    [InlineData("'height'", "context", "bench", "--growth", "--only", "height")]
    [InlineData("'huge'", "small", "bench", "--profile", "huge")]
    [InlineData("--vs", "one of them", "bench", "--vs", "--growth")]
    [InlineData("--runs", "got 0", "bench", "--runs", "0")]
    public void Unknown_names_are_said_in_one_sentence(string wrong, string expected, params string[] args) => Bad.Expect(_tool.Run(args), wrong, expected);
}
