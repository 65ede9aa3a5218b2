using Craton.Data.Images;
using Craton.Tensors;

namespace Craton.Cli;

/// <summary>Pictures as verbs take them: a file, or a folder that is searched with those in it.</summary>
internal static class PictureSources
{
    /// <summary>What arguments that name pictures say in the help.</summary>
    public const string Help = $"A {PictureFile.Kinds} file, or a folder that is searched with those in it";

    /// <summary>Makes something of every picture. One damaged file among many is named and passed over.</summary>
    /// <exception cref="CratonException">A single file cannot be read, or no file of a folder.</exception>
    public static IReadOnlyList<(string Path, T Made)> Each<T>(string source, Output output, Func<string, T> make)
    {
        if (!Directory.Exists(source)) return [(source, make(source))];
        var all = new List<(string, T)>();
        foreach (string path in PictureFile.In(source))
        {
            try
            {
                all.Add((path, make(path)));
            }
            catch (PictureException e)
            {
                output.Info(e.Message);
            }
        }
        return all.Count > 0 ? all : throw new CratonException($"'{source}': none of the pictures in the folder could be read; see what is said of each");
    }
}
