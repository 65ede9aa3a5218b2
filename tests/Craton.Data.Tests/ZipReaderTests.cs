using System.IO.Compression;
using System.Text;

namespace Craton.Data.Tests;

/// <summary>ZIP archives, good, damaged and hostile.</summary>
public sealed class ZipReaderTests
{
    private static readonly byte[] Text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("what is the blue shape? ", 20)));

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Optimal)]
    public void Stored_and_deflated_files_are_read_in_order(CompressionLevel level)
    {
        ZipEntry[] entries = [.. ZipReader.Read(Archive(level), "a.zip")];
        Assert.Equal(["one.txt", "folder/two.txt", "empty"], entries.Select(entry => entry.Name));
        Assert.Equal([Text, [1, 2, 3], []], entries.Select(entry => entry.Content));
    }

    [Fact]
    public void A_comment_behind_the_directory_is_passed_over()
    {
        byte[] archive = Archive(CompressionLevel.Optimal);
        archive[^2] = 5; // its length
        Assert.Equal(3, ZipReader.Read((byte[])[.. archive, .. "hello"u8], "a.zip").Count());
    }

    [Fact]
    public void What_is_not_read_is_refused_with_a_sentence()
    {
        byte[] archive = Archive(CompressionLevel.NoCompression);
        int entry = archive.AsSpan().IndexOf("PK\u0001\u0002"u8);
        Assert.Contains("no ZIP archive", Refused([]));
        Assert.Contains("no ZIP archive", Refused(archive[..^1]));
        Assert.Contains("encrypted", Refused(With(archive, entry + 8, 1)));
        Assert.Contains("method 14", Refused(With(archive, entry + 10, 14)));
        Assert.Contains("check sum", Refused(With(archive, 40, 9)));
        Assert.Contains("cannot be", Refused(With(archive, entry + 24, 1)));
        Assert.Contains("expands to", Refused(With(archive, entry + 27, 0x7f)));
        Assert.Contains("several", Refused(With(archive, archive.Length - 18, 1)));
    }

    [Fact]
    public void An_archive_cut_anywhere_is_refused()
    {
        byte[] archive = Archive(CompressionLevel.Optimal);
        for (int length = 0; length < archive.Length; length++) Refused(archive[..length]);
    }

    [Fact]
    public void A_hundred_thousand_mutations_are_read_or_refused_with_a_sentence()
    {
        byte[][] archives = [Archive(CompressionLevel.NoCompression), Archive(CompressionLevel.Optimal)];
        var random = new Random(20261126);
        int refused = 0;
        for (int i = 0; i < 100_000; i++)
        {
            byte[] archive = [.. archives[i % 2]];
            for (int n = random.Next(1, 4); n > 0; n--)
            {
                int at = random.Next(archive.Length);
                archive[at] = random.Next(3) switch { 0 => (byte)random.Next(256), 1 => (byte)(archive[at] ^ 1 << random.Next(8)), _ => (byte)(random.Next(2) * 255) };
            }
            if (random.Next(8) == 0) archive = archive[..random.Next(archive.Length)];
            try
            {
                Assert.True(ZipReader.Read(archive, "a.zip").Sum(entry => (long)entry.Content.Length) <= ZipReader.MostBytes);
            }
            catch (DataFileException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 10_000, 99_999);
    }

    private static string Refused(byte[] archive) => Assert.Throws<DataFileException>(() => ZipReader.Read(archive, "a.zip").ToArray()).Message;

    private static byte[] With(byte[] archive, int at, byte value)
    {
        byte[] changed = [.. archive];
        changed[at] = value;
        return changed;
    }

    private static byte[] Archive(CompressionLevel level)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add(zip, "one.txt", Text);
            zip.CreateEntry("folder/");
            Add(zip, "folder/two.txt", [1, 2, 3]);
            Add(zip, "empty", []);
        }
        return stream.ToArray();

        void Add(ZipArchive zip, string name, byte[] content)
        {
            using Stream entry = zip.CreateEntry(name, level).Open();
            entry.Write(content);
        }
    }
}
