using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Craton.Tensors.IO;
using Craton.Tensors.Quantization;
using Xunit.Abstractions;

namespace Craton.Tensors.Tests.Golden;

/// <summary>Blocks and containers of GGUF against another program's.</summary>
[Trait("Category", "Golden")]
public sealed class GgufFixtureTests(ITestOutputHelper output)
{
    private static readonly string Folder = FixtureFolder.Of("gguf");

    [Fact]
    public void Blocks_give_the_same_values_and_values_the_same_blocks()
    {
        if (!Has("blocks")) return;
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(Folder, "blocks.safetensors"));
        int read = 0, written = 0;
        var failures = new List<string>();
        foreach (JsonElement item in Json("blocks.json").GetProperty("types").EnumerateArray())
        {
            string name = item.GetProperty("type").GetString()!;
            if (BlockTypes.Find(name) is not { } type)
            {
                failures.Add($"{name}: no such type");
                continue;
            }
            if ((int)type != item.GetProperty("type_id").GetInt32() || type.BlockValues() != item.GetProperty("block_values").GetInt32()
                || type.BlockBytes() != item.GetProperty("block_bytes").GetInt32()) failures.Add($"{name}: other number or sizes");
            bool signs = type is BlockType.F16 or BlockType.BF16;
            byte[] bytes = Bytes(file, item.GetProperty("bytes").GetString()!);
            CompareValues(name, Floats(file, item.GetProperty("values").GetString()!), Values(type, bytes), signs, failures);
            read++;
            if (!item.TryGetProperty("quantise", out JsonElement quantise)) continue;
            float[] input = Floats(file, quantise.GetProperty("input").GetString()!);
            byte[] expected = Bytes(file, quantise.GetProperty("bytes").GetString()!), got = new byte[expected.Length];
            Blocks.Quantize(type, input, got);
            for (int i = 0; i < got.Length; i++)
            {
                if (got[i] == expected[i]) continue;
                failures.Add($"{name}: block {i / type.BlockBytes()} quantised: byte {i % type.BlockBytes()} is {got[i]}, expected {expected[i]}");
                break;
            }
            if (quantise.TryGetProperty("values", out JsonElement values)) CompareValues(name + " quantised", Floats(file, values.GetString()!), Values(type, got), signs, failures);
            written++;
        }
        output.WriteLine($"gguf blocks: {read} types read, {written} written, 0 skipped");
        Assert.True(failures.Count == 0, string.Join('\n', failures));
        Assert.True(read > 0);
    }

    [Fact]
    public void Good_files_open_and_bad_ones_are_refused()
    {
        if (!Has("files")) return;
        int accepted = 0, refused = 0, free = 0;
        var failures = new List<string>();
        foreach (JsonElement item in Json("files.json").GetProperty("cases").EnumerateArray())
        {
            string name = item.GetProperty("file").GetString()!, expect = item.GetProperty("expect").GetString()!;
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using GgufFile file = GgufFile.Open(Path.Combine(Folder, name));
                if (expect == "reject") failures.Add($"{name}: was accepted, but {item.GetProperty("why").GetString()}");
                if (expect == "accept") CompareFile(name, item, file, failures);
                accepted++;
            }
            catch (ModelFileException error)
            {
                if (expect == "accept") failures.Add($"{name}: {error.Message}");
                refused++;
            }
            if (expect == "either") free++;
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            if (expect != "accept" && allocated > (1 << 20) + 8 * new FileInfo(Path.Combine(Folder, name)).Length) failures.Add($"{name}: {allocated} bytes were allocated");
        }
        output.WriteLine($"gguf files: {accepted} accepted, {refused} refused, of which {free} were free to be either; 0 skipped");
        Assert.True(failures.Count == 0, string.Join('\n', failures));
        Assert.True(accepted > 0);
    }

    private bool Has(string id)
    {
        if (FixtureFolder.Cases("gguf").Any(c => c.Id == id)) return true;
        output.WriteLine($"gguf {id}: the manifest has no such case");
        return false;
    }

    private static void CompareFile(string name, JsonElement item, GgufFile file, List<string> failures)
    {
        if (item.TryGetProperty("metadata", out JsonElement metadata))
        {
            string[] expected = [.. metadata.EnumerateObject().Select(p => $"{p.Name} = {p.Value[0].GetString()} {Describe(p.Value[1])}")];
            string[] got = [.. file.Metadata.Select(p => $"{p.Key} = {p.Value.Type.ToString().ToLowerInvariant()} {Describe(p.Value)}")];
            if (!expected.SequenceEqual(got)) failures.Add($"{name}: metadata\n  expected {string.Join("; ", expected)}\n  got      {string.Join("; ", got)}");
        }
        JsonElement[] tensors = [.. item.GetProperty("tensors").EnumerateArray()];
        if (tensors.Length != file.Tensors.Count) failures.Add($"{name}: {file.Tensors.Count} tensors, expected {tensors.Length}");
        foreach (JsonElement tensor in tensors)
        {
            GgufEntry entry = file[tensor.GetProperty("name").GetString()!];
            if (!entry.Shape.Reverse().SequenceEqual(tensor.GetProperty("dims").EnumerateArray().Select(d => d.GetInt64()))) failures.Add($"{name} {entry.Name}: other sizes");
            if (entry.Type.ToString() != tensor.GetProperty("type").GetString()) failures.Add($"{name} {entry.Name}: type {entry.Type}");
            double[] values = [.. tensor.GetProperty("rows").EnumerateArray().SelectMany(row => row.EnumerateArray().Select(v => v.GetDouble()))];
            if (!values.SequenceEqual(Numbers(file, entry))) failures.Add($"{name} {entry.Name}: other values");
        }
    }

    private static double[] Numbers(GgufFile file, GgufEntry entry)
    {
        byte[] bytes = new byte[entry.Length];
        file.Read(entry, bytes);
        return entry.Type switch
        {
            BlockType.I8 => [.. bytes.Select(b => (double)(sbyte)b)],
            BlockType.I16 => [.. MemoryMarshal.Cast<byte, short>(bytes).ToArray().Select(v => (double)v)],
            BlockType.I32 => [.. MemoryMarshal.Cast<byte, int>(bytes).ToArray().Select(v => (double)v)],
            BlockType.I64 => [.. MemoryMarshal.Cast<byte, long>(bytes).ToArray().Select(v => (double)v)],
            BlockType.F64 => MemoryMarshal.Cast<byte, double>(bytes).ToArray(),
            _ => [.. Values(entry.Type, bytes).Select(v => (double)v)],
        };
    }

    private static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => $"{value.GetProperty("of").GetString()}[{string.Join(", ", value.GetProperty("items").EnumerateArray().Select(Describe))}]",
        JsonValueKind.Number => value.GetDouble().ToString("R", CultureInfo.InvariantCulture),
        JsonValueKind.True or JsonValueKind.False => value.GetBoolean().ToString(),
        _ => value.GetString()!,
    };

    private static string Describe(GgufValue value) => value.Content switch
    {
        GgufArray array => $"{array.ItemType.ToString().ToLowerInvariant()}[{string.Join(", ", array.Items.Cast<object>().Select(item => Describe(new GgufValue(array.ItemType, item))))}]",
        float number => ((double)number).ToString("R", CultureInfo.InvariantCulture),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.Content.ToString()!,
    };

    private static float[] Values(BlockType type, byte[] bytes)
    {
        float[] values = new float[bytes.Length / type.BlockBytes() * type.BlockValues()];
        Blocks.Dequantize(type, bytes, values);
        return values;
    }

    private static void CompareValues(string name, float[] expected, float[] got, bool signs, List<string> failures)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            bool same = signs ? BitConverter.SingleToInt32Bits(expected[i]) == BitConverter.SingleToInt32Bits(got[i]) : expected[i].Equals(got[i]) || expected[i] == got[i];
            if (same) continue;
            failures.Add($"{name}: value {i} is {got[i]:R}, expected {expected[i]:R}");
            return;
        }
    }

    private static byte[] Bytes(SafetensorsFile file, string name)
    {
        byte[] bytes = new byte[file[name].Length];
        file.Read(name, bytes);
        return bytes;
    }

    private static float[] Floats(SafetensorsFile file, string name)
    {
        float[] values = new float[file[name].Count];
        file.ReadFloats(name, values);
        return values;
    }

    private static JsonElement Json(string name) => JsonElement.Parse(File.ReadAllBytes(Path.Combine(Folder, name)));
}
