using System.Globalization;
using Craton.Data.Images;

namespace Craton.Training.Reports;

/// <summary>The pictures that a model drew on the way: <c>pictures/NAME-00001000.png</c> in the run's folder.</summary>
internal static class PictureLog
{
    private const string Folder = "pictures";

    /// <summary>Writes a picture of a step.</summary>
    /// <param name="runFolder">The folder of the run.</param>
    /// <param name="name">What is seen, in letters, digits and underscores.</param>
    /// <param name="step">The optimizer step.</param>
    /// <param name="picture">The picture.</param>
    public static void Add(string runFolder, string name, long step, Picture picture)
    {
        Directory.CreateDirectory(Path.Combine(runFolder, Folder));
        PngWriter.WriteFile(Path.Combine(runFolder, Folder, string.Create(CultureInfo.InvariantCulture, $"{name}-{step:D8}.png")), picture);
    }

    /// <summary>All pictures by name, those of a name in the order of their steps.</summary>
    public static IEnumerable<(string Name, IReadOnlyList<(long Step, string Path)> Pictures)> Read(string runFolder)
    {
        string folder = Path.Combine(runFolder, Folder);
        if (!Directory.Exists(folder)) return [];
        return from path in Directory.EnumerateFiles(folder, "*.png")
               let parts = Path.GetFileNameWithoutExtension(path).Split('-')
               where parts.Length == 2 && parts[1].Length > 0 && parts[1].All(char.IsAsciiDigit)
               orderby long.Parse(parts[1], CultureInfo.InvariantCulture)
               group (long.Parse(parts[1], CultureInfo.InvariantCulture), path) by parts[0] into named
               orderby named.Key
               select (named.Key, (IReadOnlyList<(long, string)>)[.. named]);
    }
}
