using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Data;
using Craton.Tensors;

namespace Craton.Cli.Packing;

/// <summary>
/// A model that travels behind the program in one file: the program, the model's files one after the other, an index of them as JSON, and at the
/// very end where the index begins, its length, and a mark. The program finds it at its start and lays it out in the cache once.
/// </summary>
internal static class PackedModel
{
    private const int FooterBytes = 32;
    private const int LongestIndex = 1 << 20;

    private static ReadOnlySpan<byte> Mark => "craton packed 01"u8;

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
                using (FileStream input = File.OpenRead(program)) Copy(input, 0, ProgramLength(input), output);
                var entries = new JsonArray();
                foreach (string file in files)
                    entries.Add((JsonNode)Append(file, isFile ? Path.GetFileName(file) : Path.GetRelativePath(model, file).Replace('\\', '/'), output));
                WriteIndex(new JsonObject { ["is_file"] = isFile, ["files"] = entries }, output);
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
    /// <exception cref="CratonException">What is behind the program is damaged.</exception>
    public static string? Find()
    {
        if (Environment.ProcessPath is not { } program) return null;
        using FileStream file = File.OpenRead(program);
        if (ReadIndex(file) is not { } index) return null;
        string folder = Path.Combine(CacheFolder.Root, "packed", Convert.ToHexStringLower(SHA256.HashData(index))[..32]);
        JsonElement content = JsonElement.Parse(index);
        if (!Directory.Exists(folder)) LayOut(file, content, folder, program);
        return content.GetProperty("is_file").GetBoolean() ? Path.Combine(folder, content.GetProperty("files")[0].GetProperty("path").GetString()!) : folder;
    }

    // The bytes of the program without the model that it may carry itself.
    private static long ProgramLength(FileStream program) =>
        ReadIndex(program) is { } index ? JsonElement.Parse(index).GetProperty("files").EnumerateArray().Min(entry => entry.GetProperty("start").GetInt64()) : program.Length;

    private static JsonObject Append(string file, string name, FileStream output)
    {
        long start = output.Position;
        using FileStream input = File.OpenRead(file);
        string sha256 = Copy(input, 0, input.Length, output);
        return new JsonObject { ["path"] = name, ["start"] = start, ["length"] = output.Position - start, ["sha256"] = sha256 };
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

    private static void WriteIndex(JsonObject index, FileStream output)
    {
        long start = output.Position;
        byte[] text = Encoding.UTF8.GetBytes(index.ToJsonString());
        output.Write(text);
        Span<byte> footer = stackalloc byte[FooterBytes];
        BinaryPrimitives.WriteInt64LittleEndian(footer, start);
        BinaryPrimitives.WriteInt64LittleEndian(footer[8..], text.Length);
        Mark.CopyTo(footer[16..]);
        output.Write(footer);
    }

    private static byte[]? ReadIndex(FileStream file)
    {
        if (file.Length < FooterBytes) return null;
        Span<byte> footer = stackalloc byte[FooterBytes];
        file.Position = file.Length - FooterBytes;
        file.ReadExactly(footer);
        if (!footer[16..].SequenceEqual(Mark)) return null;
        long start = BinaryPrimitives.ReadInt64LittleEndian(footer), length = BinaryPrimitives.ReadInt64LittleEndian(footer[8..]);
        if (length is < 2 or > LongestIndex || start < 0 || start + length + FooterBytes != file.Length) throw Damaged(file.Name);
        byte[] index = new byte[length];
        file.Position = start;
        file.ReadExactly(index);
        return index;
    }

    private static void LayOut(FileStream file, JsonElement index, string folder, string program)
    {
        string temporary = $"{folder}.{Environment.ProcessId}.part";
        try
        {
            foreach (JsonElement entry in index.GetProperty("files").EnumerateArray())
            {
                string path = Path.GetFullPath(Path.Combine(temporary, entry.GetProperty("path").GetString()!));
                if (!path.StartsWith(Path.GetFullPath(temporary) + Path.DirectorySeparatorChar, StringComparison.Ordinal)) throw Damaged(program);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                using FileStream output = File.Create(path);
                string sha256 = Copy(file, entry.GetProperty("start").GetInt64(), entry.GetProperty("length").GetInt64(), output);
                if (sha256 != entry.GetProperty("sha256").GetString()) throw Damaged(program);
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

    private static CratonException Damaged(string program) => new($"'{program}': the model in it is damaged; copy the program again, or pack it anew");
}
