using Craton.Cli.Packing;
using Craton.Tensors;
using Xunit.Abstractions;

namespace Craton.Cli.Tests;

public sealed class PackedIndexTests(ITestOutputHelper output)
{
    private const int Mutations = 100_000, Program = 40;

    private static readonly PackedIndex.Entry[] Files = [new("config.json", Program, 3, "ab"), new("a/model.safetensors", Program + 3, 4, "cd")];

    [Fact]
    public void AnIndexIsReadBack()
    {
        PackedIndex index = PackedIndex.Read(new MemoryStream(Packed()), "app")!;
        Assert.False(index.IsFile);
        Assert.Equal(Files, index.Files);
        Assert.Equal(new PackedIndex(false, Files).Name, index.Name);
        Assert.Null(PackedIndex.Read(new MemoryStream(new byte[100]), "app"));
        Assert.Null(PackedIndex.Read(new MemoryStream(), "app"));
    }

    [Fact]
    public void DamagedIndexesGiveTypedErrorsAndFilesWithinTheProgram()
    {
        byte[] whole = Packed();
        var random = new Random(3);
        int refused = 0, none = 0;
        for (int i = 0; i < Mutations; i++)
        {
            byte[] bytes = [.. whole];
            for (int changes = random.Next(1, 4); changes > 0; changes--) bytes[random.Next(Program + 7, bytes.Length - (i % 8 == 0 ? 0 : 16))] = (byte)(random.Next(2) == 0 ? random.Next(256) : "0-9\"{}[],:n"[random.Next(11)]);
            if (i % 16 == 0) bytes = bytes[random.Next(bytes.Length)..];
            try
            {
                if (PackedIndex.Read(new MemoryStream(bytes), "app") is not { } index) none++;
                else Assert.All(index.Files, file => Assert.InRange(file.Start + file.Length, 0, bytes.Length));
            }
            catch (CratonException)
            {
                refused++;
            }
        }
        output.WriteLine($"{Mutations} mutations (seed 3): {refused} refused, {none} without the mark");
        Assert.True(refused > Mutations / 4);
    }

    private static byte[] Packed()
    {
        var stream = new MemoryStream();
        stream.Write(new byte[Program + 7]);
        new PackedIndex(false, Files).Write(stream);
        return stream.ToArray();
    }
}
