using System.Buffers.Binary;
using System.Diagnostics;
using Craton.Tensors.IO;
using Xunit.Abstractions;

namespace Craton.Tensors.Tests.IO;

/// <summary>Hostile and damaged files: only <see cref="ModelFileException"/>, little memory, little time.</summary>
public sealed class SafetensorsFaultTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private ModelFileException Refused(byte[] bytes)
    {
        string path = folder["a.safetensors"];
        File.WriteAllBytes(path, bytes);
        var error = Assert.Throws<ModelFileException>(() => SafetensorsFile.Open(path));
        Assert.Equal(path, error.File);
        Assert.InRange(error.Offset, 0, bytes.Length);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        return error;
    }

    [Theory]
    [MemberData(nameof(SafetensorsSamples.BadHeaders), MemberType = typeof(SafetensorsSamples))]
    public void A_bad_header_is_refused(string header, int dataBytes, string word) =>
        Assert.Contains(word, Refused(SafetensorsSamples.File(header, dataBytes)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(0UL)]
    [InlineData(1UL)]
    [InlineData(1000UL)]
    [InlineData(100_000_001UL)]
    [InlineData(1UL << 63)]
    [InlineData(ulong.MaxValue)]
    public void A_bad_header_length_is_refused(ulong length)
    {
        byte[] file = SafetensorsSamples.Valid();
        BinaryPrimitives.WriteUInt64LittleEndian(file, length);
        Refused(file);
    }

    [Fact]
    public void Invalid_UTF8_is_refused() => Assert.Contains("UTF-8", Refused(SafetensorsSamples.File([.. "{\""u8, 0xC0, 0x80, .. "\":{}}"u8], 0)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_file_cut_anywhere_is_refused()
    {
        byte[] file = SafetensorsSamples.Valid();
        for (int length = 0; length < file.Length; length++) Refused(file[..length]);
        Refused([.. file, 0]);
    }

    [Fact]
    public void Every_bit_flip_in_the_header_is_refused_or_gives_a_valid_file()
    {
        byte[] file = SafetensorsSamples.Valid();
        int end = 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(file), refused = 0;
        for (int bit = 0; bit < 8 * end; bit++) refused += Try(DamagedFiles.Flipped(file, bit)) ? 0 : 1;
        output.WriteLine($"{refused} of {8 * end} refused");
        Assert.InRange(refused, 8 * end / 2, 8 * end);
    }

    /// <summary>F1: only the typed exception, at most 8 times the file + 1 MiB allocated, and fast.</summary>
    [Fact]
    public void A_hundred_thousand_mutations_give_nothing_but_the_typed_exception()
    {
        const int seed = 20260101, count = 100_000;
        var random = new Random(seed);
        byte[] valid = SafetensorsSamples.Valid();
        int refused = 0;
        var clock = Stopwatch.StartNew();
        for (int i = 0; i < count; i++)
        {
            byte[] mutant = valid;
            for (int n = random.Next(1, 4); n > 0; n--) mutant = Mutate(mutant, random);
            try
            {
                refused += Try(mutant) ? 0 : 1;
            }
            catch (Exception error)
            {
                throw new InvalidOperationException($"seed {seed}, mutation {i}: {Convert.ToBase64String(mutant)}", error);
            }
        }
        output.WriteLine($"seed {seed}: {refused} of {count} refused in {clock.Elapsed.TotalSeconds:F1} s");
        Assert.InRange(refused, count / 2, count - 1);
    }

    [Fact]
    public void A_million_entries_stay_within_the_memory_bound()
    {
        string header = "{" + string.Join(',', Enumerable.Range(0, 1_000_000).Select(i => SafetensorsSamples.Entry($"{i}", "[]", i, i + 1))) + "}";
        Assert.True(Try(SafetensorsSamples.File(header, 1_000_000)));
        Assert.False(Try(SafetensorsSamples.File(header, 999_999)));
    }

    [Fact]
    public void A_shape_of_many_dimensions_is_refused() =>
        Assert.False(Try(SafetensorsSamples.File($"{{{SafetensorsSamples.Entry("a", "[" + string.Join(',', Enumerable.Repeat("1", 2_000_000)) + "]", 0, 1)}}}", 1)));

    /// <summary>F4.</summary>
    [Theory]
    [InlineData(new byte[] { 0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9 }, "pickle")]
    [InlineData(new byte[] { 0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0 }, "pickle")]
    [InlineData(new byte[] { 0x50, 0x4B, 3, 4, 0, 0, 8, 8, 0, 0 }, "zip")]
    [InlineData(new byte[] { 0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, 0x76, 0 }, "NumPy")]
    [InlineData(new byte[] { 0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10, 0, 0 }, "HDF5")]
    [InlineData(new byte[] { 0x47, 0x47, 0x55, 0x46, 3, 0, 0, 0, 0, 0 }, "GGUF")]
    public void Other_formats_are_named(byte[] start, string word) =>
        Assert.Contains(word, Refused([.. start, .. new byte[200]]).Message, StringComparison.Ordinal);

    [Fact]
    public void A_header_whose_length_looks_like_a_pickle_is_read()
    {
        string header = $"{{{SafetensorsSamples.Entry("a", "[1]", 0, 1)}}}";
        Assert.True(Try(SafetensorsSamples.File(header.PadRight(0x280), 1)));
        Assert.True(Try(SafetensorsSamples.File(header.PadRight(0x4B50), 1)));
    }

    /// <summary>F10. A pipe must be refused, not waited for.</summary>
    [Fact]
    public async Task Only_regular_files_are_read()
    {
        if (OperatingSystem.IsWindows()) return;
        string pipe = folder["pipe.safetensors"], link = folder["link.safetensors"], target = folder["target"];
        using (var process = Process.Start("mkfifo", pipe)) process.WaitForExit();
        foreach (string path in new[] { pipe, "/dev/zero", "/dev/null", "/proc/self/stat", folder.Root, folder["absent"], folder["absent/x"] })
        {
            var open = Task.Run(() => Record.Exception(() => SafetensorsFile.Open(path)));
            Assert.Same(open, await Task.WhenAny(open, Task.Delay(TimeSpan.FromSeconds(20))));
            Assert.IsType<ModelFileException>(await open);
        }
        File.WriteAllBytes(target, SafetensorsSamples.Valid());
        File.CreateSymbolicLink(link, target);
        using var file = SafetensorsFile.Open(link);
        Assert.Equal(4, file.Tensors.Count);
    }

    /// <summary>F9: positional reads give an exception where a mapping would kill the process.</summary>
    [Fact]
    public void A_file_cut_after_opening_gives_an_exception()
    {
        string path = folder["a.safetensors"];
        File.WriteAllBytes(path, SafetensorsSamples.Valid());
        using var file = SafetensorsFile.Open(path);
        using (var other = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) other.SetLength(file["w"].Offset + 4);
        var error = Assert.Throws<ModelFileException>(() => file.ReadFloats("w", new float[6]));
        Assert.Equal(file["w"].Offset + 4, error.Offset);
    }

    /// <summary>Opens the bytes as a file within the memory bound. True when it is accepted; then all its tensors can be read.</summary>
    private bool Try(byte[] bytes)
    {
        string path = folder["m.safetensors"];
        DamagedFiles.Write(path, bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            using var file = SafetensorsFile.Open(path);
            DamagedFiles.Within(before, bytes.Length);
            long total = 0;
            foreach (SafetensorsEntry entry in file.Tensors.Take(100))
            {
                byte[] data = new byte[entry.Length];
                file.Read(entry.Name, data);
                total += data.Length;
            }
            Assert.True(total <= bytes.Length);
            return true;
        }
        catch (ModelFileException)
        {
            DamagedFiles.Within(before, bytes.Length);
            return false;
        }
    }

    private static byte[] Mutate(byte[] file, Random random)
    {
        if (file.Length < 16) return [.. file, (byte)random.Next(256)];
        int at = random.Next(file.Length), length = random.Next(1, Math.Min(32, file.Length - at + 1));
        switch (random.Next(7))
        {
            case 0: return file[..at];
            case 1: return DamagedFiles.Flipped(file, random.Next(8 * file.Length));
            case 2: return [.. file[..at], .. file[(at + length)..]];
            case 3: return [.. file[..at], .. file[at..(at + length)], .. file[at..]];
            case 4:
                byte[] prefix = [.. file];
                BinaryPrimitives.WriteInt64LittleEndian(prefix, BinaryPrimitives.ReadInt64LittleEndian(prefix) + random.Next(-9, 10));
                return prefix;
            case 5:
                int[] digits = [.. Enumerable.Range(8, file.Length - 8).Where(i => char.IsAsciiDigit((char)file[i]))];
                if (digits.Length == 0) return file;
                byte[] number = [.. file];
                number[digits[random.Next(digits.Length)]] = (byte)"0123456789-.e\""[random.Next(14)];
                return number;
            default:
                byte[] random1 = new byte[length];
                random.NextBytes(random1);
                return [.. file[..at], .. random1, .. file[(at + length)..]];
        }
    }
}
