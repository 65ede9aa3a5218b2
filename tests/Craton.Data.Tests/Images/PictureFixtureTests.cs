using System.Text.Json;
using Craton.Data.Images;
using Craton.Tensors.IO;
using Xunit.Abstractions;

namespace Craton.Data.Tests.Images;

/// <summary>Pictures and resized pictures against another program's, as the manifest of the golden cases lists them.</summary>
[Trait("Category", "Golden")]
public sealed class PictureFixtureTests(ITestOutputHelper output)
{
    private static readonly string s_folder = Path.Combine(
        Environment.GetEnvironmentVariable("CRATON_FIXTURES") is { Length: > 0 } root ? root : Path.Combine(Checkout(), "tests", "fixtures"), "encoders");

    [Fact]
    public void Files_decode_to_the_same_samples() => Run("png", (call, file, folder) =>
    {
        PngImage image = PngReader.ReadFile(Path.Combine(folder, call.GetProperty("file").GetString()!));
        Picture picture = image.ToPicture();
        var got = new Dictionary<string, byte[]>
        {
            ["native"] = image.Samples,
            ["palette"] = image.Palette,
            ["rgb"] = picture.ToRgb().Samples,
            ["rgb_on_white"] = picture.OnWhite().Samples,
            ["grey"] = picture.ToGrey().Samples,
        };
        return Compare(call, name => got[name], file);
    });

    [Fact]
    public void Resized_pictures_are_the_same() => Run("resampling", (call, file, _) =>
    {
        JsonElement input = call.GetProperty("inputs").GetProperty("image");
        int[] shape = [.. input.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32())];
        var filter = Enum.Parse<PictureFilter>(call.GetProperty("filter").GetString()!, ignoreCase: true);
        (int width, int height) = (call.GetProperty("width").GetInt32(), call.GetProperty("height").GetInt32());
        string source = input.GetProperty("tensor").GetString()!;
        if (input.GetProperty("dtype").GetString() == "F32")
            return CompareFloats(call, PictureResizer.Resize(Floats(file, source), shape[1], width, height, filter), file);
        var picture = new Picture(shape[1], shape[0], shape.Length == 2 ? 1 : shape[2], Bytes(file, source));
        return Compare(call, name => name == "image" ? PictureResizer.Resize(picture, width, height, filter).Samples : null, file);
    });

    private void Run(string kind, Func<JsonElement, SafetensorsFile, string, string?> run)
    {
        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(s_folder, "manifest.json")));
        int passed = 0, skipped = 0;
        var wrong = new List<string>();
        foreach (JsonElement entry in manifest.RootElement.GetProperty("cases").EnumerateArray().Where(entry => entry.GetProperty("kind").GetString() == kind))
        {
            string id = entry.GetProperty("id").GetString()!, folder = Path.Combine(s_folder, id);
            using JsonDocument @case = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "case.json")));
            using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(folder, @case.RootElement.GetProperty("golden").GetString()!));
            foreach (JsonElement call in @case.RootElement.GetProperty("calls").EnumerateArray())
                if (run(call, file, folder) is { } difference) wrong.Add($"{id} {call.GetProperty("name").GetString()}: {difference}");
                else passed++;
        }
        output.WriteLine($"encoders, {kind}: {passed} passed, {skipped} skipped, {wrong.Count} failed");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(passed > 0, $"the manifest has no case of kind {kind}");
    }

    // What a version of the other program gives that works in another order is not asked for.
    private static string? Compare(JsonElement call, Func<string, byte[]?> got, SafetensorsFile file)
    {
        foreach (JsonProperty expected in call.GetProperty("expected").EnumerateObject())
        {
            if (got(expected.Name) is not { } samples) continue;
            byte[] want = Bytes(file, expected.Value.GetProperty("tensor").GetString()!);
            if (samples.Length != want.Length) return $"{expected.Name}: {samples.Length} samples, expected {want.Length}";
            int[] places = [.. Enumerable.Range(0, want.Length).Where(i => samples[i] != want[i])];
            if (places.Length > 0) return $"{expected.Name}: {places.Length} of {want.Length} differ, first at {places[0]}: {samples[places[0]]}, expected {want[places[0]]}";
        }
        return null;
    }

    private static string? CompareFloats(JsonElement call, float[] got, SafetensorsFile file)
    {
        JsonElement expected = call.GetProperty("expected").GetProperty("image");
        float[] want = Floats(file, expected.GetProperty("tensor").GetString()!);
        double atol = expected.GetProperty("tolerance").GetProperty("atol").GetDouble(), rtol = expected.GetProperty("tolerance").GetProperty("rtol").GetDouble();
        for (int i = 0; i < want.Length; i++)
            if (!(Math.Abs(got[i] - want[i]) <= atol + rtol * Math.Abs(want[i]))) return $"sample {i} is {got[i]}, expected {want[i]}";
        return null;
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

    private static string Checkout()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Craton.slnx"))) folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("the checkout's root, known by Craton.slnx");
        return folder;
    }
}
