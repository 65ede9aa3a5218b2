using System.Security.Cryptography;
using Craton.Data;
using Craton.Tensors;

namespace Craton.Cli.Packing;

/// <summary>
/// A model that travels behind the program in one file: the program, the model's files one after the other, and their
/// <see cref="PackedIndex"/>. The program finds it at its start and lays it out in the cache once.
/// </summary>
internal static class PackedModel
{
    /// <summary>Writes a program with a model behind it. The file appears complete or not at all.</summary>
    /// <param name="program">A program that stands alone.</param>
    /// <param name="model">A model directory or a GGUF file.</param>
    /// <param name="path">The file to write.</param>
    public static void Write(string program, string model, string path)
    {
        bool isFile = File.Exists(model);
        string[] files = isFile ? [model] : [.. Directory.EnumerateFiles(model, "*", SearchOption.AllDirectories).Where(f => !f.EndsWith(".part", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        string temporary = path + ".part";
        try
        {
            using (FileStream output = File.Create(temporary))
            {
                // Without the model that the program may carry itself.
                using (FileStream input = File.OpenRead(program)) Copy(input, 0, PackedIndex.Read(input, program)?.Files.Min(file => file.Start) ?? input.Length, output);
                var entries = new List<PackedIndex.Entry>();
                foreach (string file in files)
                    entries.Add(Append(file, isFile ? Path.GetFileName(file) : Path.GetRelativePath(model, file).Replace('\\', '/'), output));
                new PackedIndex(isFile, entries).Write(output);
                output.Flush(flushToDisk: true);
            }
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(temporary, (UnixFileMode)0b111_101_101);
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>The model behind this program, laid out in the cache; null when there is none.</summary>
    /// <exception cref="CratonException">What is behind the program is damaged, or cannot be laid out.</exception>
    public static string? Find()
    {
        if (Environment.ProcessPath is not { } program) return null;
        using FileStream file = File.OpenRead(program);
        if (PackedIndex.Read(file, program) is not { } index) return null;
        string folder = Path.Combine(CacheFolder.Root, "packed", index.Name);
        try
        {
            if (!Directory.Exists(folder)) LayOut(file, index, folder, program);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CratonException($"'{program}': the model in it cannot be laid out in '{folder}' ({e.Message.TrimEnd('.')}); set CRATON_CACHE to a folder that has room and may be written to", e);
        }
        return index.IsFile ? Path.Combine(folder, index.Files[0].Path) : folder;
    }

    private static PackedIndex.Entry Append(string file, string name, FileStream output)
    {
        long start = output.Position;
        using FileStream input = File.OpenRead(file);
        string sha256 = Copy(input, 0, input.Length, output);
        return new PackedIndex.Entry(name, start, output.Position - start, sha256);
    }

    private static void LayOut(FileStream file, PackedIndex index, string folder, string program)
    {
        string temporary = $"{folder}.{Environment.ProcessId}.part";
        try
        {
            foreach (PackedIndex.Entry entry in index.Files)
            {
                string path = Path.GetFullPath(Path.Combine(temporary, entry.Path));
                if (!path.StartsWith(Path.GetFullPath(temporary) + Path.DirectorySeparatorChar, StringComparison.Ordinal)) throw PackedIndex.Damaged(program);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                using FileStream output = File.Create(path);
                if (Copy(file, entry.Start, entry.Length, output) != entry.Sha256) throw PackedIndex.Damaged(program);
            }
            try
            {
                Directory.Move(temporary, folder);
            }
            catch (IOException) when (Directory.Exists(folder))
            {
                // Another start was quicker.
            }
        }
        finally
        {
            if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
        }
    }

    /// <summary>Copies a part of a file to where another one stands, as far as it goes.</summary>
    /// <returns>The SHA-256 of what was copied.</returns>
    private static string Copy(FileStream from, long start, long length, FileStream to)
    {
        from.Position = start;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 20];
        for (int n; length > 0 && (n = from.Read(buffer, 0, (int)Math.Min(buffer.Length, length))) > 0; length -= n)
        {
            hash.AppendData(buffer, 0, n);
            to.Write(buffer, 0, n);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
