using Craton.Data.Images;
using Spectre.Console;

namespace Craton.Cli;

/// <summary>A picture in the cells of a terminal: each shows two pixels, one above the other, as the colour of an upper half block and of what is behind it.</summary>
internal static class TerminalPicture
{
    /// <summary>Most columns of cells.</summary>
    public const int MostColumns = 64;

    private const string UpperHalf = "▀";

    /// <summary>The cells.</summary>
    /// <param name="picture">The picture; made smaller where it is wider than there are columns.</param>
    /// <param name="columns">Columns that may be used.</param>
    public static Paragraph Of(Picture picture, int columns)
    {
        picture = picture.OnWhite();
        int width = Math.Clamp(picture.Width, 1, columns), height = Math.Max(1, (int)((long)picture.Height * width / picture.Width));
        if (width < picture.Width) picture = PictureResizer.Resize(picture, width, height, PictureFilter.Bilinear);
        var cells = new Paragraph();
        for (int row = 0; row < picture.Height; row += 2)
        {
            for (int column = 0; column < picture.Width; column++)
                cells.Append(UpperHalf, new Style(ColourOf(picture, row, column), row + 1 < picture.Height ? ColourOf(picture, row + 1, column) : Color.Default));
            cells.Append("\n");
        }
        return cells;
    }

    private static Color ColourOf(Picture rgb, int row, int column)
    {
        ReadOnlySpan<byte> samples = rgb.Samples.AsSpan((row * rgb.Width + column) * 3, 3);
        return new Color(samples[0], samples[1], samples[2]);
    }
}
