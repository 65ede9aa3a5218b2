using System.Text.Json;
using Craton.Tensors.IO;

namespace Craton.Tensors.Tests.IO;

/// <summary>F11: the index of shards.</summary>
public sealed class SafetensorsModelTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public SafetensorsModelTests()
    {
        Shard("one.safetensors", "a", "b");
        Shard("two.safetensors", "c");
    }

    public void Dispose() => folder.Dispose();

    private void Shard(string file, params string[] names) =>
        SafetensorsWriter.Save(folder[file], [.. names.Select(name => TensorSource.FromFloats(name, [1], new float[] { name[0] }))]);

    private void Index(params (string Tensor, string File)[] map) => File.WriteAllText(folder[SafetensorsModel.IndexName],
        JsonSerializer.Serialize(new { metadata = new { total_size = 12 }, weight_map = map.ToDictionary(e => e.Tensor, e => e.File) }));

    private string Refusal() => Assert.Throws<ModelFileException>(() => SafetensorsModel.Open(folder.Root)).Message;

    [Fact]
    public void Shards_are_one_model()
    {
        Index(("c", "two.safetensors"), ("a", "one.safetensors"), ("b", "one.safetensors"));
        using var model = SafetensorsModel.Open(folder.Root);
        Assert.Equal(["a", "b", "c"], model.Names);
        Assert.Equal(2, model.Shards.Count);
        float[] c = new float[1];
        model.FileOf("c")!.ReadFloats("c", c);
        Assert.Equal('c', c[0]);
        Assert.Null(model.FileOf("d"));
    }

    [Fact]
    public void A_single_file_and_its_folder_open_too()
    {
        Shard(SafetensorsModel.FileName, "x");
        using (var model = SafetensorsModel.Open(folder.Root)) Assert.Equal(["x"], model.Names);
        using (var model = SafetensorsModel.Open(folder["one.safetensors"])) Assert.Equal(["a", "b"], model.Names);
    }

    [Theory]
    [InlineData("../one.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("x/one.safetensors")]
    [InlineData("..\\one.safetensors")]
    [InlineData("C:one.safetensors")]
    [InlineData("..")]
    [InlineData("")]
    public void A_shard_elsewhere_is_refused(string name)
    {
        Index(("a", name), ("b", "one.safetensors"), ("c", "two.safetensors"));
        Assert.Contains("plain name", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_shard_is_named()
    {
        Index(("a", "one.safetensors"), ("b", "one.safetensors"), ("c", "three.safetensors"));
        Assert.Contains("three.safetensors", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_in_two_shards_is_refused()
    {
        Shard("two.safetensors", "c", "a");
        Index(("a", "one.safetensors"), ("b", "one.safetensors"), ("c", "two.safetensors"));
        Assert.Contains("also in", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Index_and_shards_must_agree()
    {
        Index(("a", "one.safetensors"), ("b", "two.safetensors"), ("c", "two.safetensors"));
        Assert.Contains("'b' is said to be in 'two.safetensors'", Refusal(), StringComparison.Ordinal);
        Index(("a", "one.safetensors"), ("c", "two.safetensors"));
        Assert.Contains("'b'", Refusal(), StringComparison.Ordinal);
        Index(("a", "one.safetensors"), ("b", "one.safetensors"), ("c", "two.safetensors"), ("d", "two.safetensors"));
        Assert.Contains("'d'", Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"weight_map\":[]}")]
    [InlineData("{\"weight_map\":{\"a\":1}}")]
    [InlineData("{\"weight_map\":{\"a\":\"one.safetensors\",\"a\":\"two.safetensors\"}}")]
    [InlineData("{\"weight_map\":{\"a\":\"\\ud800\"}}")]
    [InlineData("{\"weight_map\":{\"a\\ud800\":\"x\"}}")]
    [InlineData("{\"weight_map\":{\"a\":\"one.safetensors\"}")]
    public void A_bad_index_is_refused(string json)
    {
        File.WriteAllText(folder[SafetensorsModel.IndexName], json);
        Refusal();
    }

    [Fact]
    public void A_folder_without_weights_says_what_is_expected()
    {
        Directory.CreateDirectory(folder["empty"]);
        Assert.Contains("model.safetensors", Assert.Throws<ModelFileException>(() => SafetensorsModel.Open(folder["empty"])).Message, StringComparison.Ordinal);
    }
}
