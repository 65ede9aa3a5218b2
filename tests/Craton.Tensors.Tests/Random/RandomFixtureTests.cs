using System.Globalization;
using System.Text.Json;
using Craton.Tensors.Tests.Golden;
using Xunit.Abstractions;

namespace Craton.Tensors.Tests;

/// <summary>Philox and Threefry against their published answers and the reference implementation.</summary>
public sealed class RandomFixtureTests(ITestOutputHelper output)
{
    private delegate uint[] Generator(uint[] counter, uint[] key, int rounds);

    private static readonly Dictionary<string, Generator> s_generators = new(StringComparer.Ordinal)
    {
        ["philox2x32"] = (c, k, rounds) => Philox.Block2x32((c[0], c[1]), k[0], rounds) is var (a, b) ? [a, b] : [],
        ["philox4x32"] = (c, k, rounds) => Words(Philox.Block4x32((c[0], c[1], c[2], c[3]), (k[0], k[1]), rounds)),
        ["threefry2x32"] = (c, k, rounds) => Threefry.Block2x32((c[0], c[1]), (k[0], k[1]), rounds) is var (a, b) ? [a, b] : [],
        ["threefry4x32"] = (c, k, rounds) => Words(Threefry.Block4x32((c[0], c[1], c[2], c[3]), (k[0], k[1], k[2], k[3]), rounds)),
    };

    [Fact]
    [Trait("Category", "Golden")]
    public void Generators_give_the_reference_words()
    {
        int ran = 0;
        var skipped = new List<string>();
        var wrong = new List<string>();
        using OpsGroup cases = OpsGroup.Open("random");
        foreach ((string id, JsonElement? json) in OpsGroup.ListedCases(cases, "random"))
        {
            string[] op = json?.GetProperty("op").GetString()!.Split('.') ?? [];
            if (json is not { } @case) wrong.Add($"{id}: is not in random.json");
            else if (!s_generators.TryGetValue(op[0], out Generator? generate) || op.Length > 2 || (op.Length == 2 && op[1] != "sequence"))
                skipped.Add($"{id}: {string.Join('.', op)} is not built");
            else if (++ran > 0 && Differs(@case, generate) is { } difference) wrong.Add($"{id}: {difference}");
        }
        output.WriteLine($"ops/random: {ran} cases ran, {skipped.Count} skipped");
        foreach (string skip in skipped) output.WriteLine($"  skipped {skip}");
        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
        Assert.True(ran > 0, "no case ran");
    }

    // A sequence gives the blocks of consecutive counters.
    private static string? Differs(JsonElement @case, Generator generate)
    {
        uint[] counter = Words(@case.GetProperty("counter")), key = Words(@case.GetProperty("key"));
        int rounds = @case.GetProperty("attributes").GetProperty("rounds").GetInt32();
        JsonElement[] blocks = @case.TryGetProperty("blocks", out JsonElement listed) ? [.. listed.EnumerateArray()] : [@case.GetProperty("output")];
        foreach (JsonElement block in blocks)
        {
            uint[] got = generate(counter, key, rounds);
            if (!Words(block).SequenceEqual(got))
                return $"counter {Text(counter)}: {Text(got)}, expected {Text(Words(block))}";
            Increment(counter);
        }
        return null;
    }

    private static uint[] Words((uint A, uint B, uint C, uint D) block) => [block.A, block.B, block.C, block.D];

    private static uint[] Words(JsonElement words)
        => [.. words.EnumerateArray().Select(word => uint.Parse(word.GetString()!, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];

    private static string Text(uint[] words) => string.Join(' ', words.Select(word => word.ToString("x8", CultureInfo.InvariantCulture)));

    private static void Increment(uint[] counter)
    {
        for (int i = 0; i < counter.Length && ++counter[i] == 0; i++)
        {
        }
    }
}
