using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Data.Images;
using Spectre.Console;

namespace Craton.Cli;

/// <summary>
/// Where a verb speaks. With <c>--json</c> standard output carries exactly one JSON object, at the end; everything for people goes to
/// standard error. Without it, results go to standard output.
/// </summary>
internal sealed class Output(bool json)
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>How rows of a JSON-lines file are written.</summary>
    public static readonly JsonSerializerOptions Lines = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private const int WidthOfFiles = 200;

    private bool _statusShown;

    static Output()
    {
        if (!Console.IsOutputRedirected) return;
        // Tables that go to a file or a pipe have no colours and are not broken at a terminal's width.
        AnsiConsole.Profile.Capabilities.Ansi = false;
        AnsiConsole.Profile.Width = WidthOfFiles;
    }

    /// <summary>True when a script reads the result.</summary>
    public bool IsJson => json;

    /// <summary>True when a person watches: the status line may be rewritten in place.</summary>
    public bool IsLive { get; } = !Console.IsErrorRedirected;

    /// <summary>A line of the result, for people.</summary>
    public void Line(string text = "")
    {
        EndStatus();
        (json ? Console.Error : Console.Out).WriteLine(text);
    }

    /// <summary>A picture, where a person watches a terminal with colours.</summary>
    public void Show(Picture picture)
    {
        if (json || Console.IsOutputRedirected || !AnsiConsole.Profile.Capabilities.Ansi) return;
        EndStatus();
        AnsiConsole.Write(TerminalPicture.Of(picture, Math.Min(AnsiConsole.Profile.Width, TerminalPicture.MostColumns)));
    }

    /// <summary>A line about what is going on.</summary>
    public void Info(string text)
    {
        EndStatus();
        Console.Error.WriteLine(text);
    }

    /// <summary>The line that long work keeps rewriting.</summary>
    public void Status(string text)
    {
        if (!IsLive) return;
        int width = Math.Max(20, Console.WindowWidth) - 1;
        Console.Error.Write("\r" + (text.Length > width ? text[..width] : text.PadRight(width)));
        _statusShown = true;
    }

    /// <summary>What went wrong, as one line.</summary>
    public void Error(string sentence)
    {
        EndStatus();
        Console.Error.WriteLine($"craton: {sentence}");
    }

    /// <summary>The result for scripts: does nothing for people.</summary>
    public void Result(JsonObject result)
    {
        if (json) Console.Out.WriteLine(result.ToJsonString(Indented));
    }

    /// <summary>Writes a row of a JSON-lines file.</summary>
    public static void WriteRow(Stream stream, JsonObject row) => stream.Write(Encoding.UTF8.GetBytes(row.ToJsonString(Lines) + '\n'));

    /// <summary>A number for <see cref="Result"/>; JSON has no infinities, so what could not be measured is null.</summary>
    public static JsonNode? Number(double value) => double.IsFinite(value) ? value : null;

    private void EndStatus()
    {
        if (!_statusShown) return;
        Console.Error.WriteLine();
        _statusShown = false;
    }
}
