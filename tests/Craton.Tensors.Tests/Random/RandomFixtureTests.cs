using System.Globalization;
using System.Text.Json;
using Xunit.Abstractions;

namespace Craton.Tensors.Tests;

/// <summary>Philox and Threefry against their published answers and the reference implementation.</summary>
public sealed class RandomFixtureTests(ITestOutputHelper output)
{
    [Fact]
    [Trait("Category", "Golden")]
    public void Generators_give_the_reference_words()
    {
        string folder = Path.Combine(FixtureRoot(), "ops");
        using JsonDocument group = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "random.json")));
        int ran = 0;
        foreach (JsonElement @case in group.RootElement.GetProperty("cases").EnumerateArray())
        {
            string id = @case.GetProperty("id").GetString()!, op = @case.GetProperty("op").GetString()!;
            int rounds = @case.GetProperty("attributes").GetProperty("rounds").GetInt32();
            uint[] counter = Words(@case.GetProperty("counter")), key = Words(@case.GetProperty("key"));
            if (op == "philox4x32.sequence")
            {
                foreach (JsonElement block in @case.GetProperty("blocks").EnumerateArray())
                {
                    Assert.True(Words(block).SequenceEqual(Generate("philox4x32", counter, key, rounds)), id);
                    Increment(counter);
                }
            }
            else
            {
                Assert.True(Words(@case.GetProperty("output")).SequenceEqual(Generate(op, counter, key, rounds)), id);
            }
            ran++;
        }
        output.WriteLine($"ops/random: {ran} cases ran, 0 skipped");
        Assert.True(ran > 0, $"no case in {folder}");
        AssertManifestAgrees(folder, ran);
    }

    /// <summary>Where the folder has a manifest, all its random cases must have been in the file.</summary>
    private static void AssertManifestAgrees(string folder, int ran)
    {
        string path = Path.Combine(folder, "manifest.json");
        if (!File.Exists(path))
            return;
        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllText(path));
        int listed = manifest.RootElement.GetProperty("cases").EnumerateArray()
            .Count(entry => entry.GetProperty("files").EnumerateArray().Any(file => file.GetString() == "random.json"));
        Assert.Equal(listed, ran);
    }

    private static uint[] Generate(string op, uint[] c, uint[] k, int rounds)
    {
        switch (op)
        {
            case "philox2x32":
                (uint p0, uint p1) = Philox.Block2x32((c[0], c[1]), k[0], rounds);
                return [p0, p1];
            case "philox4x32":
                (uint q0, uint q1, uint q2, uint q3) = Philox.Block4x32((c[0], c[1], c[2], c[3]), (k[0], k[1]), rounds);
                return [q0, q1, q2, q3];
            case "threefry2x32":
                (uint t0, uint t1) = Threefry.Block2x32((c[0], c[1]), (k[0], k[1]), rounds);
                return [t0, t1];
            case "threefry4x32":
                (uint u0, uint u1, uint u2, uint u3) = Threefry.Block4x32((c[0], c[1], c[2], c[3]), (k[0], k[1], k[2], k[3]), rounds);
                return [u0, u1, u2, u3];
            default:
                throw new NotSupportedException($"unknown generator '{op}'");
        }
    }

    private static uint[] Words(JsonElement words)
        => [.. words.EnumerateArray().Select(word => uint.Parse(word.GetString()!, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];

    private static void Increment(uint[] counter)
    {
        for (int i = 0; i < counter.Length && ++counter[i] == 0; i++)
        {
        }
    }

    private static string FixtureRoot()
    {
        if (Environment.GetEnvironmentVariable("CRATON_FIXTURES") is { Length: > 0 } root)
            return root;
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Craton.slnx")))
            folder = Path.GetDirectoryName(folder);
        return Path.Combine(folder ?? throw new DirectoryNotFoundException("the checkout's root, known by Craton.slnx"), "tests", "fixtures");
    }
}
