using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Craton.Cli.Bench.Versus;

/// <summary>A peer cannot be started, or has stopped.</summary>
internal sealed class PeerException(string message) : Exception(message);

/// <summary>
/// A program that stays alive and does a piece of work whenever it is told to: a line "run ARGUMENTS" goes in, a line of JSON with the
/// seconds of the piece comes out. So sides can alternate, and all are warm.
/// </summary>
internal sealed class PeerProcess : IDisposable
{
    private readonly Process _process;
    private string _complaint = "it said nothing";

    /// <summary>Starts the program and waits until it is ready.</summary>
    /// <param name="name">Who it is; its version is added when it tells one.</param>
    /// <param name="program">The executable file.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables to set for it.</param>
    public PeerProcess(string name, string program, IEnumerable<string> arguments, params IEnumerable<(string Name, string Value)> environment)
    {
        Name = name;
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string variable, string value) in environment) start.Environment[variable] = value;
        _process = Process.Start(start) ?? throw new PeerException($"{name}: '{program}' did not start");
        _process.ErrorDataReceived += (_, line) => _complaint = line.Data is { Length: > 0 } text ? text : _complaint;
        _process.BeginErrorReadLine();
        if ((string?)Answer()["version"] is { } version) Name += " " + version;
    }

    public string Name { get; }

    /// <summary>Has a piece done.</summary>
    public JsonObject Run(string arguments = "")
    {
        try
        {
            _process.StandardInput.WriteLine($"run {arguments}");
            _process.StandardInput.Flush();
        }
        catch (IOException)
        {
            // It has stopped: the answer, which does not come, says why.
        }
        return Answer();
    }

    /// <summary>The process as a side of a comparison of seconds.</summary>
    public Contender Contender(string arguments = "") => new(Name, () => (double)Run(arguments)["seconds"]!);

    /// <summary>A process of Craton itself: whole training steps of a configuration, or <c>adamw</c>.</summary>
    public static PeerProcess Ours(string work, int threads)
    {
        string[] arguments = ["bench", "--peer", work, "--threads", $"{threads}"];
        string program = Environment.ProcessPath!;
        bool isHost = Path.GetFileNameWithoutExtension(program) == "dotnet"; // dotnet craton.dll
        return new PeerProcess("craton", program, isHost ? [Path.Combine(AppContext.BaseDirectory, "craton.dll"), .. arguments] : arguments);
    }

    public void Dispose()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has already stopped.
        }
        if (!_process.WaitForExit(2000)) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private JsonObject Answer()
    {
        while (_process.StandardOutput.ReadLine() is { } line)
            if (line.StartsWith('{')) return JsonNode.Parse(line)!.AsObject(); // libraries print lines of their own
        _process.WaitForExit();
        throw new PeerException($"{Name} stopped: {_complaint}");
    }
}
