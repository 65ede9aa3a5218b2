using Craton.Tensors;

namespace Craton.Data.Tests;

public class ShardTests
{
    private static Document[] Corpus(int count) => [.. Enumerable.Range(0, count).Select(i => Make.Doc(Make.Prose(i, 1 + i % 40) + " é", $"doc{i}"))];

    [Theory]
    [InlineData(257, "u16", 1 << 20)]
    [InlineData(257, "u16", 700)]
    [InlineData(70_000, "u32", 700)]
    public void What_was_built_reads_back(int vocabulary, string dtype, long shardTokens)
    {
        using var folder = new TempFolder();
        Document[] corpus = Corpus(500);
        var splitter = new Splitter(0.2, 0.2);
        ShardManifest manifest = ShardBuilder.Build(folder.At("data"), corpus, new ByteTokenizer(vocabulary), splitter, new ShardOptions { ShardTokens = shardTokens });
        Assert.Equal(dtype, manifest.Dtype);
        Assert.Equal(500, manifest.Splits.Values.Sum(s => s.Documents));
        foreach (Split split in Enum.GetValues<Split>())
        {
            using var shards = new TokenShards(folder.At("data"), split, verify: true);
            string[] texts = [.. corpus.Where(d => splitter.Of(d) == split).Select(d => d.Text)];
            Assert.Equal(texts.Length, shards.Documents);
            Assert.Equal(texts.Sum(t => System.Text.Encoding.UTF8.GetByteCount(t)), shards.Bytes);
            Assert.Equal(shards.Tokens, shards.Bytes + shards.Documents);
            int[] all = new int[shards.Tokens];
            shards.Read(0, all); // across shards
            for (int i = 0; i < texts.Length; i++)
            {
                (long start, int length) = shards.Document(i);
                int[] ids = new int[length];
                shards.Read(start, ids);
                Assert.Equal([.. new ByteTokenizer().Encode(texts[i]), 256], ids);
                Assert.Equal(ids, all[(int)start..((int)start + length)]);
            }
        }
    }

    [Fact]
    public void Building_again_gives_the_same_bytes_and_leftovers_do_no_harm()
    {
        using var folder = new TempFolder();
        void Build(string name) => ShardBuilder.Build(folder.At(name), Corpus(300), new ByteTokenizer(), new Splitter(), new ShardOptions { ShardTokens = 2000, Overwrite = true });
        Build("a");
        folder.File(".b.tmp/train-00000.bin", "half a build that was killed");
        folder.File(".b.tmp/rubbish", "x");
        Build("b");
        Build("b");
        string[] files = [.. Directory.GetFiles(folder.At("a"), "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(folder.At("a"), f)).Order(StringComparer.Ordinal)];
        Assert.Equal(files, Directory.GetFiles(folder.At("b"), "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(folder.At("b"), f)).Order(StringComparer.Ordinal));
        Assert.All(files, f => Assert.Equal(File.ReadAllBytes(Path.Combine(folder.At("a"), f)), File.ReadAllBytes(Path.Combine(folder.At("b"), f))));
        Assert.Equal(["a", "b"], Directory.GetFileSystemEntries(folder.Root).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_build_that_fails_leaves_no_folder()
    {
        using var folder = new TempFolder();
        IEnumerable<Document> Failing()
        {
            foreach (Document document in Corpus(5000)) yield return document;
            throw new DataFileException("x", "line 9", "broken");
        }

        Assert.Throws<DataFileException>(() => ShardBuilder.Build(folder.At("data"), Failing(), new ByteTokenizer(), new Splitter()));
        Assert.False(Directory.Exists(folder.At("data")));
        Assert.Throws<CratonException>(() => ShardBuilder.Build(folder.At("data"), [], new ByteTokenizer(), new Splitter()));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Root));
        Assert.Throws<DataFileException>(() => new TokenShards(folder.At("data"), Split.Train));
    }

    [Fact]
    public void A_replacement_that_fails_leaves_the_old_folder()
    {
        using var folder = new TempFolder();
        ShardBuilder.Build(folder.At("data"), Corpus(50), new ByteTokenizer(), new Splitter(0, 0));
        byte[] before = File.ReadAllBytes(Path.Combine(folder.At("data"), "train-00000.bin"));
        Assert.Throws<CratonException>(() => ShardBuilder.Build(folder.At("data"), [], new ByteTokenizer(), new Splitter(0, 0), new ShardOptions { Overwrite = true }));
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(folder.At("data"), "train-00000.bin")));

        // As a crash between setting the old folder aside and naming the new one leaves it.
        Directory.Move(folder.At("data"), folder.At(".data.old"));
        using var shards = new TokenShards(folder.At("data"), Split.Train);
        Assert.Equal(50, shards.Documents);
    }

    [Fact]
    public void An_existing_folder_and_a_second_builder_are_refused()
    {
        using var folder = new TempFolder();
        void Build() => ShardBuilder.Build(folder.At("data"), Corpus(10), new ByteTokenizer(), new Splitter(0, 0));
        using (File.Open(folder.At("data.lock"), FileMode.Create, FileAccess.ReadWrite, FileShare.None))
            Assert.Contains("another process", Assert.Throws<CratonException>(Build).Message, StringComparison.Ordinal);
        Build();
        Assert.Contains("exists", Assert.Throws<CratonException>(Build).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Damage_is_found()
    {
        using var folder = new TempFolder();
        string data = folder.At("data"), bin = Path.Combine(data, "train-00000.bin"), manifest = Path.Combine(data, "manifest.json");
        ShardBuilder.Build(data, Corpus(50), new ByteTokenizer(), new Splitter(0, 0));
        byte[] whole = File.ReadAllBytes(bin);
        string json = File.ReadAllText(manifest);
        Assert.Contains("'train'", Assert.Throws<CratonException>(() => new TokenShards(data, Split.Test)).Message, StringComparison.Ordinal);

        byte[] flipped = (byte[])whole.Clone();
        flipped[100] ^= 1;
        File.WriteAllBytes(bin, flipped);
        Assert.Contains("SHA-256", Assert.Throws<DataFileException>(() => new TokenShards(data, Split.Train, verify: true)).Message, StringComparison.Ordinal);
        File.WriteAllBytes(bin, whole[..^2]);
        Assert.Contains("damaged", Assert.Throws<DataFileException>(() => new TokenShards(data, Split.Train)).Message, StringComparison.Ordinal);
        File.WriteAllBytes(bin, whole);
        foreach (string bad in new[] { json[..(json.Length / 2)], json.Replace("\"version\": 1", "\"version\": 9", StringComparison.Ordinal), json.Replace("train-00000.bin", "../train.bin", StringComparison.Ordinal), "{}", "null" })
        {
            File.WriteAllText(manifest, bad);
            Assert.Throws<DataFileException>(() => new TokenShards(data, Split.Train));
        }
    }

    [Fact]
    public void A_file_cut_short_while_open_is_an_exception()
    {
        using var folder = new TempFolder();
        ShardBuilder.Build(folder.At("data"), Corpus(50), new ByteTokenizer(), new Splitter(0, 0));
        using var shards = new TokenShards(folder.At("data"), Split.Train);
        using (FileStream file = new(Path.Combine(folder.At("data"), "train-00000.bin"), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete)) file.SetLength(100);
        Assert.Throws<DataFileException>(() => shards.Read(40, new int[100]));
    }
}
