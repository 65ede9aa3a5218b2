using System.Buffers.Binary;
using System.IO.Compression;
using Craton.Data.Images;
using Craton.Tensors;

namespace Craton.Data.Tests.Images;

/// <summary>Sets of pictures from files, good and bad, and the loader of their batches.</summary>
public sealed class ImageSetTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("craton-images-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("")]
    [InlineData(".gz")]
    public void Idx_pictures_and_labels_are_read(string end)
    {
        byte[] pixels = [.. Enumerable.Range(0, 2 * 3 * 4).Select(i => (byte)(9 * i))];
        ImageSet set = IdxReader.ReadImages(Save("images" + end, Idx(pixels, 2, 3, 4)), Save("labels" + end, Idx([7, 3], 2)));
        Assert.Equal((2, 4, 3, 1), (set.Count, set.Width, set.Height, set.Channels));
        Assert.Equal(pixels, set.Samples);
        Assert.Equal([7, 3], set.Labels);
    }

    [Fact]
    public void Idx_files_that_do_not_fit_are_named()
    {
        string images = Save("images", Idx(new byte[24], 2, 3, 4)), labels = Save("labels", Idx(new byte[3], 3));
        Assert.Contains("a label for each of the 2 pictures", Refused(() => IdxReader.ReadImages(images, labels)));
        Assert.Contains("[count, height, width]", Refused(() => IdxReader.ReadImages(labels)));
        Assert.Contains("sizes are false", Refused(() => IdxReader.Read(Save("cut", Idx(new byte[9], 1 << 20, 1 << 20)))));
        Assert.Contains("got more", Refused(() => IdxReader.Read(Save("long", Idx(new byte[9], 8)))));
        Assert.Contains("IDX file", Refused(() => IdxReader.Read(Save("floats", [0, 0, 13, 1, 0, 0, 0, 1, 0, 0, 0, 0]))));
    }

    [Fact]
    public void A_hundred_thousand_mutations_of_idx_are_read_or_refused_with_a_sentence()
    {
        byte[] file = Idx(new byte[60], 5, 3, 4);
        var random = new Random(20261126);
        int refused = 0;
        for (int i = 0; i < 100_000; i++)
        {
            byte[] bytes = Mutated(file, random);
            try
            {
                IdxArray array = IdxReader.Read(new MemoryStream(bytes), "file", bytes.Length);
                Assert.Equal(array.Shape.Aggregate(1L, (a, b) => a * b), array.Values.Length);
            }
            catch (DataFileException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 1, 99_999);
    }

    [Theory]
    [InlineData(CifarKind.Cifar10, 1)]
    [InlineData(CifarKind.Cifar100, 2)]
    public void Cifar_records_are_read_and_mutations_refused(CifarKind kind, int head)
    {
        byte[] file = new byte[2 * (head + 3072)];
        file[head - 1] = 9;
        file[head] = 1; // red of the first pixel
        file[head + 1024] = 2;
        file[head + 2048] = 3;
        ImageSet set = CifarReader.Read([Save("batch.bin", file), Save("batch.bin.gz", file)], kind);
        Assert.Equal((4, 32, 32, 3), (set.Count, set.Width, set.Height, set.Channels));
        Assert.Equal([1, 2, 3, 0], set.Samples[..4]);
        Assert.Equal([9, 0, 9, 0], set.Labels);
        var random = new Random(1);
        int refused = 0;
        for (int i = 0; i < 50_000; i++)
        {
            byte[] bytes = file[..random.Next(head + 3072, file.Length + 1)];
            bytes[random.Next(2) == 0 ? head - 1 : random.Next(bytes.Length)] = (byte)random.Next(256);
            var labels = new List<int>();
            try
            {
                CifarReader.ReadRecords(new MemoryStream(bytes), "file", kind, new MemoryStream(), labels);
                Assert.All(labels, label => Assert.InRange(label, 0, kind == CifarKind.Cifar10 ? 9 : 99));
            }
            catch (DataFileException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 1, 49_999);
    }

    [Fact]
    public void Folders_are_classes()
    {
        SavePng("cats/b.png", 2, 3, 10);
        SavePng("cats/a.png", 2, 3, 20);
        SavePng("dogs/c.png", 2, 3, 30);
        ImageSet set = ImageFolder.Read(_folder, new() { Grey = true });
        Assert.Equal([0, 0, 1], set.Labels);
        Assert.Equal(["cats", "dogs"], set.Classes);
        Assert.Equal([20, 10, 30], Enumerable.Range(0, 3).Select(i => (int)set.SamplesOf(i)[0]));
        Assert.Contains("named by a label (cats)", Refused(() => ImageFolder.Read(_folder, new() { Classes = ["cats"] })));
        SavePng("dogs/d.png", 3, 3, 0);
        Assert.Contains("expected a picture of 2×3 pixels as the first, got 3×3", Refused(() => ImageFolder.Read(_folder)));
        Assert.Equal((4, 5, 5, 3), ImageFolder.Read(_folder, new() { Size = (5, 5) }) is var resized ? (resized.Count, resized.Width, resized.Height, resized.Channels) : default);
        Directory.CreateDirectory(Path.Combine(_folder, "eels"));
        Assert.Contains("expected PNG, JPEG, WebP or GIF files, got none", Refused(() => ImageFolder.Read(_folder, new() { Size = (5, 5) })));
    }

    [Fact]
    public void A_loader_gives_every_picture_once_an_epoch_and_resumes_anywhere()
    {
        var set = new ImageSet(1, 1, 1, [.. Enumerable.Range(0, 10).Select(i => (byte)i)], [.. Enumerable.Range(0, 10)], []);
        var loader = new ImageLoader(set, seed: 3);
        int[] whole = Labels(loader, 30);
        for (int epoch = 0; epoch < 3; epoch++) Assert.Equal(Enumerable.Range(0, 10), whole[(10 * epoch)..(10 * epoch + 10)].Order());
        Assert.NotEqual(whole[..10], whole[10..20]);
        var first = new ImageLoader(set, seed: 3);
        _ = Labels(first, 13);
        var second = new ImageLoader(set, seed: 3) { State = first.State };
        Assert.Equal(whole[13..], Labels(second, 17));
        Assert.Throws<CratonException>(() => new ImageLoader(set, seed: 4) { State = first.State });
    }

    private static int[] Labels(ImageLoader loader, int count)
    {
        int[] labels = new int[count];
        float[] images = new float[count];
        loader.Next(images, labels);
        Assert.Equal(labels.Select(label => label / 255f), images);
        return labels;
    }

    private static byte[] Idx(byte[] values, params int[] shape)
    {
        byte[] file = new byte[4 + 4 * shape.Length + values.Length];
        (file[2], file[3]) = (8, (byte)shape.Length);
        for (int i = 0; i < shape.Length; i++) BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4 + 4 * i), shape[i]);
        values.CopyTo(file, 4 + 4 * shape.Length);
        return file;
    }

    private static byte[] Mutated(byte[] file, Random random)
    {
        byte[] bytes = [.. file];
        for (int n = random.Next(1, 4); n > 0; n--) bytes[random.Next(2) == 0 ? random.Next(16) : random.Next(bytes.Length)] = (byte)random.Next(256);
        return random.Next(4) == 0 ? bytes[..random.Next(bytes.Length)] : bytes;
    }

    private string Save(string name, byte[] bytes)
    {
        string path = Path.Combine(_folder, name);
        using Stream file = File.Create(path);
        using Stream stream = name.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionLevel.Fastest) : file;
        stream.Write(bytes);
        return path;
    }

    private void SavePng(string name, int width, int height, byte value)
    {
        string path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        PngWriter.WriteFile(path, new Picture(width, height, 1, [.. Enumerable.Repeat(value, width * height)]));
    }

    private static string Refused(Action action) => Assert.ThrowsAny<CratonException>(action).Message;
}
