using System.Text;
using Craton.Tensors.IO;
using FsCheck;
using FsCheck.Fluent;
using Xunit.Abstractions;

namespace Craton.Tensors.Tests.IO;

public sealed class SafetensorsTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Reads_what_was_written()
    {
        string path = folder["a.safetensors"];
        File.WriteAllBytes(path, SafetensorsSamples.Valid());
        using var file = SafetensorsFile.Open(path);
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal(DType.F32, file["w"].Type);
        Assert.Equal([2L, 3L], file["w"].Shape);
        Assert.Equal([0L, 4L], file["none"].Shape);
        Assert.Empty(file["step"].Shape);
        Assert.Equal(1, file["step"].Count);
        float[] w = new float[6], b = new float[3];
        file.ReadFloats("w", w);
        file.ReadFloats("b", b);
        Assert.Equal([1, 2, 3, 4, 5, 6], w);
        Assert.Equal([0.5f, -1, 2], b);
        byte[] part = new byte[4];
        file.Read("w", part, start: 8);
        Assert.Equal(3f, BitConverter.ToSingle(part));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read("w", new byte[8], start: 17));
        Assert.Throws<ArgumentException>(() => file.ReadFloats("w", new float[5]));
        Assert.Throws<CratonException>(() => file.ReadFloats("step", new float[1]));
        Assert.Contains("'missing'", Assert.Throws<CratonException>(() => file["missing"]).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_bytes_are_those_of_the_reference_library()
    {
        // safetensors.torch.save({"a": torch.tensor([1., 2.]), "b": torch.tensor([3], dtype=torch.uint8)}, {"format": "pt"})
        byte[] expected = SafetensorsSamples.File(
            """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[1],"data_offsets":[8,9]}}""".PadRight(144), 9);
        BitConverter.TryWriteBytes(expected.AsSpan(^9), 1f);
        BitConverter.TryWriteBytes(expected.AsSpan(^5), 2f);
        expected[^1] = 3;
        var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, [TensorSource.FromBytes("b", DType.U8, [1], new byte[] { 3 }), TensorSource.FromFloats("a", [2], new float[] { 1, 2 })]);
        Assert.Equal(expected, stream.ToArray());
    }

    [Fact]
    public void Elements_lie_at_multiples_of_their_size()
    {
        var stream = new MemoryStream();
        DType[] types = Enum.GetValues<DType>();
        SafetensorsWriter.Write(stream, [.. types.Reverse().Select(type => TensorSource.FromBytes($"{type}", type, [3], new byte[3 * type.Size()]))]);
        File.WriteAllBytes(folder["a.safetensors"], stream.ToArray());
        using var file = SafetensorsFile.Open(folder["a.safetensors"]);
        Assert.All(file.Tensors, entry => Assert.Equal(0, entry.Offset % entry.Type!.Value.Size()));
        Assert.All(file.Tensors, entry => Assert.Equal(entry.Name, $"{entry.Type}"));
    }

    /// <summary>T10: the mapping keeps the old file, the path shows the new one.</summary>
    [Fact]
    public void A_mapped_file_can_be_saved_over()
    {
        if (OperatingSystem.IsWindows()) return;
        string path = folder["a.safetensors"];
        SafetensorsWriter.Save(path, [TensorSource.FromFloats("a", [2], new float[] { 1, 2 })]);
        using var file = SafetensorsFile.Open(path);
        using SafetensorsMapping mapping = file.Map();
        SafetensorsWriter.Save(path, [new TensorSource("a", DType.F32, [2], stream => stream.Write(mapping.Span("a"))), TensorSource.FromFloats("b", [1], new float[] { 9 })]);
        Assert.Equal(2f, BitConverter.ToSingle(mapping.Span("a")[4..]));
        Assert.Throws<CratonException>(() => mapping.Span("b").Length);
        using var after = SafetensorsFile.Open(path);
        Assert.True(after.Contains("b"));
        file.Dispose();
        Assert.Equal(1f, BitConverter.ToSingle(mapping.Span("a")));
        mapping.Dispose();
        Assert.Throws<ObjectDisposedException>(() => mapping.Span("a").Length);
    }

    [Fact]
    public void Bad_sources_are_refused_and_nothing_is_left()
    {
        string path = folder["a.safetensors"];
        TensorSource a = TensorSource.FromFloats("a", [2], new float[2]);
        Assert.Throws<CratonException>(() => SafetensorsWriter.Save(path, [a, a]));
        Assert.Throws<CratonException>(() => SafetensorsWriter.Save(path, [a with { Name = "__metadata__" }]));
        Assert.Throws<InvalidOperationException>(() => SafetensorsWriter.Save(path, [a with { Shape = [3] }]));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Root));
    }

    /// <summary>F14: any tensors come back with the same bits, and writing them again gives the same file.</summary>
    [Fact]
    public void Round_trip()
    {
        Gen<TensorSource> tensor =
            from type in Gen.Elements(Enum.GetValues<DType>())
            from shape in Gen.Choose(0, 4).Select(n => (long)n).ArrayOf().Where(sizes => sizes.Length <= 4)
            from seed in Gen.Choose(0, int.MaxValue)
            select TensorSource.FromBytes("", type, shape, Bytes(seed, (int)shape.Aggregate((long)type.Size(), (a, b) => a * b)));
        var names = ArbMap.Default.ArbFor<NonNull<string>>().Generator.Select(name => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(name.Get)));
        Gen<TensorSource[]> models = from sources in tensor.ArrayOf()
                                     from labels in names.ArrayOf(sources.Length)
                                     select sources.Zip(labels, (source, label) => source with { Name = label }).DistinctBy(source => source.Name).ToArray();
        Prop.ForAll(Arb.From(models), tensors =>
        {
            var first = new MemoryStream();
            SafetensorsWriter.Write(first, tensors);
            File.WriteAllBytes(folder["a"], first.ToArray());
            using var file = SafetensorsFile.Open(folder["a"]);
            Assert.Equal(tensors.Length, file.Tensors.Count);
            foreach (TensorSource source in tensors)
            {
                var bytes = new MemoryStream();
                source.Write(bytes);
                byte[] read = new byte[source.Length];
                file.Read(source.Name, read);
                Assert.Equal(bytes.ToArray(), read);
                Assert.Equal(source.Shape, file[source.Name].Shape);
                Assert.Equal(source.Type, file[source.Name].Type);
            }
            Assert.Equal(first.ToArray(), Rewritten(file));
        }).QuickCheckThrowOnFailure();

        static byte[] Bytes(int seed, int count)
        {
            byte[] bytes = new byte[count];
            new Random(seed).NextBytes(bytes);
            return bytes;
        }
    }

    /// <summary>Files of the reference library: readable, and rewritten with the same bytes.</summary>
    [Fact]
    [Trait("Category", "Golden")]
    public void Files_of_the_reference_library_are_rewritten_byte_for_byte()
    {
        string root = Environment.GetEnvironmentVariable("CRATON_FIXTURES") is { Length: > 0 } given ? given : Repository("tests/fixtures/safetensors");
        const long limit = 4 << 20;
        int same = 0, large = 0, foreign = 0;
        foreach (string path in Directory.EnumerateFiles(root, "*.safetensors", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            if (new FileInfo(path).Length > limit)
            {
                large++;
                continue;
            }
            using var file = SafetensorsFile.Open(path);
            if (file.Tensors.Any(entry => entry.Type is null))
            {
                foreign++;
                continue;
            }
            Assert.True(File.ReadAllBytes(path).SequenceEqual(Rewritten(file)), path);
            same++;
        }
        output.WriteLine($"{same} files in {root}; skipped: {large} above {limit} bytes, {foreign} with element types that we only read");
        Assert.True(same > 0);
    }

    private static byte[] Rewritten(SafetensorsFile file)
    {
        var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, [.. file.Tensors.Select(entry => new TensorSource(entry.Name, entry.Type!.Value, entry.Shape, to =>
        {
            byte[] bytes = new byte[entry.Length];
            file.Read(entry.Name, bytes);
            to.Write(bytes);
        }))], file.Metadata);
        return stream.ToArray();
    }

    private static string Repository(string path)
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Craton.slnx"))) folder = Path.GetDirectoryName(folder);
        return Path.Combine(folder!, path);
    }
}
