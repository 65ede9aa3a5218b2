namespace Craton.Data.Images;

/// <summary>How a folder of pictures is read.</summary>
public sealed record ImageFolderOptions
{
    /// <summary>Size that every picture is resized to (bilinear); null: all must have the size of the first.</summary>
    public (int Width, int Height)? Size { get; init; }

    /// <summary>Grey pictures instead of red, green and blue; what is transparent is laid on white.</summary>
    public bool Grey { get; init; }

    /// <summary>The labels that may occur, in the order of their numbers; null: the names of the subfolders, in ordinal order.</summary>
    public IReadOnlyList<string>? Classes { get; init; }
}

/// <summary>
/// Reads a folder of pictures (<see cref="PictureFile"/>). Where it has subfolders, each is a class and its name the label of every picture in it; else pictures have
/// no labels.
/// </summary>
public static class ImageFolder
{
    /// <summary>Reads all pictures, in ordinal order of their paths.</summary>
    /// <exception cref="DataFileException">The folder has no pictures, a subfolder is no known label, or a picture has another size.</exception>
    /// <exception cref="PictureException">A picture is damaged.</exception>
    public static ImageSet Read(string folder, ImageFolderOptions? options = null)
    {
        options ??= new();
        if (!Directory.Exists(folder)) throw new DataFileException(folder, "", "is no folder; give a folder of pictures, or one of subfolders for the classes.");
        string[] names = Names(Directory.GetDirectories(folder));
        IReadOnlyList<string> classes = names.Length == 0 ? [] : options.Classes ?? names;
        if (names.FirstOrDefault(name => !classes.Contains(name)) is { } unknown)
            throw new DataFileException(Path.Combine(folder, unknown), "", $"expected a subfolder named by a label ({string.Join(", ", classes)}), got '{unknown}'; rename it or add the label.");
        var pictures = new PictureCollector(options.Size, options.Grey);
        var labels = new List<int>();
        foreach (string name in names.Length == 0 ? [""] : names)
        {
            string[] files = [.. Directory.GetFiles(Path.Combine(folder, name)).Where(PictureFile.IsNamed).Order(StringComparer.Ordinal)];
            if (files.Length == 0) throw new DataFileException(Path.Combine(folder, name), "", $"expected {PictureFile.Kinds} files, got none; add some, or remove the folder.");
            foreach (string file in files) pictures.Add(file, PictureFile.Read(file));
            if (names.Length > 0) labels.AddRange(Enumerable.Repeat(classes.ToList().IndexOf(name), files.Length));
        }
        return pictures.ToSet([.. labels], classes);
    }

    private static string[] Names(string[] folders) => [.. folders.Select(f => Path.GetFileName(f)!).Where(n => !n.StartsWith('.')).Order(StringComparer.Ordinal)];
}
