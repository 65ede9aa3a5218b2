using Craton.Data.Images;
using Spectre.Console;

namespace Craton.Cli.Tests;

public sealed class TerminalPictureTests
{
    [Fact]
    public void A_cell_shows_two_pixels_and_a_last_row_alone_one()
    {
        var picture = new Picture(2, 3, 3, [255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7, 1, 2, 3, 4, 5, 6]);
        string[] lines = Written(picture, 10).TrimEnd('\n').Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.Equal(["38;2;255;0;0;48;2;0;0;255", "38;2;0;255;0;48;2;9;8;7"], Codes(lines[0]));
        Assert.Equal(["38;2;1;2;3", "38;2;4;5;6"], Codes(lines[1]));
        Assert.Equal(4, string.Concat(lines).Count(c => c == '▀'));
    }

    [Fact]
    public void A_wide_picture_is_made_smaller_and_a_grey_one_with_alpha_lies_on_white()
    {
        var picture = new Picture(100, 50, 2, new byte[100 * 50 * 2]);
        string[] lines = Written(picture, 20).TrimEnd('\n').Split('\n');
        Assert.Equal(5, lines.Length);
        Assert.All(lines, line => Assert.Equal(20, line.Count(c => c == '▀')));
        Assert.Equal(["38;2;255;255;255;48;2;255;255;255"], Codes(lines[0]).Distinct());
    }

    private static string[] Codes(string line) => [.. line.Split('\u001b').Where(part => part.Contains("38;2", StringComparison.Ordinal)).Select(part => part[1..part.IndexOf('m')])];

    private static string Written(Picture picture, int columns)
    {
        using var writer = new StringWriter { NewLine = "\n" };
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.Yes, ColorSystem = ColorSystemSupport.TrueColor, Out = new AnsiConsoleOutput(writer) });
        console.Profile.Width = 200;
        console.Write(TerminalPicture.Of(picture, columns));
        return writer.ToString();
    }
}
