using System.Buffers.Binary;
using System.Diagnostics;
using Craton.Tensors.IO;
using Craton.Tensors.Quantization;
using Xunit.Abstractions;

namespace Craton.Tensors.Tests.IO;

/// <summary>Hostile and damaged GGUF files: only <see cref="ModelFileException"/>, little memory, little time (F1–F4, F9–F12).</summary>
public sealed class GgufFaultTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void What_is_written_is_read_again_and_writing_is_repeatable()
    {
        byte[] first = Valid();
        Assert.Equal(first, Valid());
        string path = folder["a.gguf"];
        File.WriteAllBytes(path, first);
        using GgufFile file = GgufFile.Open(path);
        Assert.Equal(3u, file.Version);
        Assert.Equal(["a.scalar", "a.list", "a.nested", "general.alignment", "a.bool"], file.Metadata.Select(m => m.Key));
        Assert.Equal("text", file.Find("a.scalar")!.Value.Content);
        Assert.Equal(["x", "", "naïve Ω"], (string[])((GgufArray)file.Find("a.list")!.Value.Content).Items);
        Assert.Null(file.Find("absent"));
        Assert.Equal([2L, 64L], file["q"].Shape);
        float[] values = new float[128];
        file.ReadFloats(file["q"], values);
        Assert.InRange(values[127], 0.98, 1.02);
        float[] second = new float[64];
        file.ReadFloats(file["q"], second, 64);
        Assert.Equal(values[64..], second);
        using GgufMapping map = file.Map();
        byte[] bytes = new byte[file["w"].Length];
        file.Read(file["w"], bytes);
        Assert.Equal(bytes, map.Span("w").ToArray());
        Assert.True(GgufFile.IsGguf(path));
        Assert.False(GgufFile.IsGguf(folder["absent"]));
    }

    [Fact]
    public void Only_what_readers_take_is_written()
    {
        GgufSource good = Floats("w", [2], 1, 2);
        Assert.Contains("names must differ", Assert.Throws<CratonException>(() => Write([], [good, good])).Message, StringComparison.Ordinal);
        Assert.Contains("keys must differ", Assert.Throws<CratonException>(() => Write([new("a", 1u), new("a", 2u)], [])).Message, StringComparison.Ordinal);
        Assert.Contains("power of two", Assert.Throws<CratonException>(() => Write([new("general.alignment", 24u)], [])).Message, StringComparison.Ordinal);
        Assert.Contains("63 bytes", Assert.Throws<CratonException>(() => Write([], [good with { Name = new string('n', 64) }])).Message, StringComparison.Ordinal);
        Assert.Contains("multiple of 32", Assert.Throws<CratonException>(() => Write([], [good with { Type = BlockType.Q8_0 }])).Message, StringComparison.Ordinal);
        Assert.Contains("4 dimensions", Assert.Throws<CratonException>(() => Write([], [good with { Shape = [1, 1, 1, 1, 2] }])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_cut_anywhere_is_refused()
    {
        byte[] file = Valid();
        int needed = file.Length - 24; // the padding behind the last tensor
        for (int length = 0; length < needed; length++) Assert.False(Try(file[..length]), $"{length} of {file.Length} bytes were accepted");
        Assert.True(Try(file[..needed]));
    }

    [Fact]
    public void Every_bit_flip_in_the_header_is_refused_or_gives_a_valid_file()
    {
        byte[] file = Valid();
        int refused = 0, bits = 8 * HeaderBytes();
        for (int bit = 0; bit < bits; bit++) refused += Try(DamagedFiles.Flipped(file, bit)) ? 0 : 1;
        output.WriteLine($"{refused} of {bits} refused");
        Assert.InRange(refused, bits / 8, bits - 1);
    }

    [Fact]
    public void A_hundred_thousand_mutations_give_nothing_but_the_typed_exception()
    {
        const int seed = 20261126, count = 100_000;
        var random = new Random(seed);
        byte[] valid = Valid();
        int header = HeaderBytes(), refused = 0;
        double slowest = 0;
        var clock = Stopwatch.StartNew();
        for (int i = 0; i < count; i++)
        {
            byte[] mutant = valid;
            for (int n = random.Next(1, 4); n > 0; n--) mutant = Mutate(mutant, header, random);
            long start = Stopwatch.GetTimestamp();
            try
            {
                refused += Try(mutant) ? 0 : 1;
            }
            catch (Exception error)
            {
                throw new InvalidOperationException($"seed {seed}, mutation {i}: {Convert.ToBase64String(mutant)}", error);
            }
            slowest = Math.Max(slowest, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        output.WriteLine($"seed {seed}: {refused} of {count} refused in {clock.Elapsed.TotalSeconds:F1} s, the slowest took {slowest:F1} ms");
        Assert.InRange(refused, count / 4, count - 1);
    }

    // Many small things in a large file: what is made of them stays within eight times the file.
    [Theory]
    [InlineData("strings")]
    [InlineData("nested")]
    [InlineData("keys")]
    [InlineData("tensors")]
    public void Many_entries_stay_within_the_memory_bound(string what)
    {
        const int count = 16_000;
        byte[] file = what switch
        {
            "strings" => Write([new("a", GgufValue.Of([.. Enumerable.Range(0, 1_000_000).Select(i => $"{i % 10}")]))], []),
            "nested" => Write([new("a", Nested([.. Enumerable.Range(0, 1_000_000).Select(_ => new GgufArray(GgufValueType.UInt8, Array.Empty<byte>()))]))], []),
            "keys" => Write([.. Enumerable.Range(0, count).Select(i => new KeyValuePair<string, GgufValue>($"{i}", true))], []),
            _ => Write([new("general.alignment", 1u)], [.. Enumerable.Range(0, count).Select(i => Floats($"{i}", [0]))]),
        };
        Assert.True(Try(file));
    }

    [Fact]
    public void A_file_cut_after_opening_gives_an_exception()
    {
        string path = folder["a.gguf"];
        File.WriteAllBytes(path, Valid());
        using GgufFile file = GgufFile.Open(path);
        using (var other = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) other.SetLength(file["q"].Offset + 4);
        var error = Assert.Throws<ModelFileException>(() => file.ReadFloats(file["q"], new float[128]));
        Assert.Equal(file["q"].Offset + 4, error.Offset);
    }

    [Fact]
    public async Task Only_regular_files_are_read()
    {
        if (OperatingSystem.IsWindows()) return;
        string pipe = folder["pipe.gguf"];
        using (var process = Process.Start("mkfifo", pipe)) process.WaitForExit();
        foreach (string path in new[] { pipe, "/dev/zero", "/dev/null", "/proc/self/stat", folder.Root, folder["absent"] })
        {
            var open = Task.Run(() => Record.Exception(() => GgufFile.Open(path)));
            Assert.Same(open, await Task.WhenAny(open, Task.Delay(TimeSpan.FromSeconds(20))));
            Assert.IsType<ModelFileException>(await open);
        }
    }

    private static GgufValue Nested(GgufArray[] items) => new(GgufValueType.Array, new GgufArray(GgufValueType.Array, items));

    private static byte[] Valid() => Write(
    [
        new("a.scalar", "text"),
        new("a.list", GgufValue.Of(["x", "", "naïve Ω"])),
        new("a.nested", Nested([new(GgufValueType.Int32, new[] { 1, -2 }), new(GgufValueType.String, new[] { "y" })])),
        new("general.alignment", 32u),
        new("a.bool", true),
    ],
    [
        GgufSource.FromRows("q", BlockType.Q8_0, [2, 64], (row, values) => { for (int i = 0; i < values.Length; i++) values[i] = (row * 64 + i) / 127f; }),
        Floats("w", [2, 1], 1, 2),
    ]);

    // The data is two rows of two Q8_0 blocks, filled up to 160 bytes, and two floats, filled up to 32.
    private static int HeaderBytes() => Valid().Length - 160 - 32;

    private static GgufSource Floats(string name, long[] shape, params float[] values) =>
        new(name, BlockType.F32, shape, stream => { foreach (float value in values) stream.Write(BitConverter.GetBytes(value)); });

    private static byte[] Write(KeyValuePair<string, GgufValue>[] metadata, GgufSource[] tensors)
    {
        var stream = new MemoryStream();
        GgufWriter.Write(stream, metadata, tensors);
        return stream.ToArray();
    }

    /// <summary>Opens the bytes as a file within the memory bound. True when it is accepted; then all its tensors can be read.</summary>
    private bool Try(byte[] bytes)
    {
        string path = folder["m.gguf"];
        DamagedFiles.Write(path, bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            using GgufFile file = GgufFile.Open(path);
            DamagedFiles.Within(before, bytes.Length);
            foreach (GgufEntry entry in file.Tensors.Take(100))
            {
                byte[] data = new byte[entry.Length];
                file.Read(entry, data);
            }
            return true;
        }
        catch (ModelFileException error)
        {
            DamagedFiles.Within(before, bytes.Length);
            Assert.InRange(error.Offset, 0, Math.Max(bytes.Length, 4));
            return false;
        }
    }

    private static byte[] Mutate(byte[] file, int header, Random random)
    {
        if (file.Length < 16) return [.. file, (byte)random.Next(256)];
        int at = random.Next(Math.Min(header, file.Length)), length = random.Next(1, Math.Min(32, file.Length - at + 1));
        byte[] copy = [.. file];
        switch (random.Next(6))
        {
            case 0: return file[..at];
            case 1: return DamagedFiles.Flipped(file, 8 * at + random.Next(8));
            case 2: return [.. file[..at], .. file[(at + length)..]];
            case 3: return [.. file[..at], .. file[at..(at + length)], .. file[at..]];
            case 4:
                // A number of 64 bits somewhere: lengths, counts, sizes and offsets among them.
                at = Math.Min(at, file.Length - 8);
                BinaryPrimitives.WriteUInt64LittleEndian(copy.AsSpan(at), random.Next(4) switch
                {
                    0 => ulong.MaxValue - (ulong)random.Next(64),
                    1 => 1UL << random.Next(64),
                    2 => (ulong)random.Next(2 * file.Length),
                    _ => BinaryPrimitives.ReadUInt64LittleEndian(copy.AsSpan(at)) + (ulong)random.Next(-9, 10),
                });
                return copy;
            default:
                random.NextBytes(copy.AsSpan(at, length));
                return copy;
        }
    }
}
