using Craton.Models.Hub;
using Craton.Tensors;
using Craton.Tests.Hub;

namespace Craton.Models.Tests.Hub;

public sealed class ModelHubTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("craton-hub-").FullName;
    private readonly FakeHub _hub = new();
    private readonly HttpClient _http = new();
    private readonly byte[] _weights = new byte[300_000];

    public ModelHubTests()
    {
        new Random(7).NextBytes(_weights);
        _hub.Put("config.json", """{"model_type": "llama"}""");
        _hub.Put("tokenizer.json", "{}");
        _hub.Put("model.safetensors", _weights, isLarge: true);
        _hub.Put("pytorch_model.bin", [1, 2, 3], isLarge: true);
        _hub.Put("onnx/model.onnx", [1, 2, 3], isLarge: true);
        _hub.Put("1_Pooling/config.json", """{"pooling_mode_mean_tokens": true}""");
        _hub.Announce();
    }

    public void Dispose()
    {
        _hub.Dispose();
        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private HubOptions Options => new() { Endpoint = _hub.Endpoint, Folder = _folder, Token = null, Offline = false };

    private Task<string> Pull(string name = "someone/tiny", HubOptions? options = null) => new ModelHub(options ?? Options, _http).PullAsync(HubName.Parse(name));

    private async Task<string> Refusal(string name = "someone/tiny", HubOptions? options = null) =>
        (await Assert.ThrowsAsync<CratonException>(() => Pull(name, options))).Message;

    [Fact]
    public async Task A_model_comes_with_what_belongs_to_it_and_nothing_else()
    {
        string place = await Pull();
        Assert.Equal(Path.Combine(_folder, "someone", "tiny"), place);
        Assert.Equal(_weights, File.ReadAllBytes(Path.Combine(place, "model.safetensors")));
        Assert.Equal(
            ["1_Pooling/config.json", "config.json", "model.safetensors", "tokenizer.json"],
            Directory.EnumerateFiles(place, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(place, f)).Order(StringComparer.Ordinal));
        _hub.Requests.Clear();
        Assert.Equal(place, await Pull()); // what is here is not fetched again
        Assert.Single(_hub.Requests);
        Assert.Equal(place, await Pull(options: Options with { Offline = true, Endpoint = "http://127.0.0.1:1" }));
        Assert.Equal(place, ModelHub.Find(HubName.Parse("someone/tiny"), Options));
    }

    [Fact]
    public async Task An_interrupted_download_goes_on_where_it_stopped()
    {
        _hub.BreakAfter = 100_000;
        Assert.Contains("it goes on where it stopped", await Refusal(), StringComparison.Ordinal);
        string place = Path.Combine(_folder, "someone", "tiny");
        Assert.False(File.Exists(Path.Combine(place, "config.json"))); // it comes last
        Assert.Null(ModelHub.Find(HubName.Parse("someone/tiny"), Options));
        _hub.BreakAfter = null;
        await Pull();
        long from = _hub.Requests.Last(r => r.Path == "/content/model.safetensors").From;
        Assert.InRange(from, 1, 100_000);
        Assert.Equal(_weights, File.ReadAllBytes(Path.Combine(place, "model.safetensors")));
        Assert.Empty(Directory.EnumerateFiles(place, "*.part"));
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("tokenizer.json")]
    public async Task Content_with_another_hash_is_not_kept(string file)
    {
        _hub.Damage(file);
        Assert.Contains($"'{file}' of someone/tiny is not what the Hub announced", await Refusal(), StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_folder, "someone", "tiny", file)));
        _hub.Damage(file); // twice is as before
        await Pull();
    }

    [Fact]
    public async Task The_token_goes_to_the_Hub_and_not_where_it_points()
    {
        _hub.Token = "hf_secret";
        Assert.Contains("put a token that may read it in HF_TOKEN", await Refusal(), StringComparison.Ordinal);
        Assert.Contains("with the token in HF_TOKEN", await Refusal(options: Options with { Token = "other" }), StringComparison.Ordinal);
        await Pull(options: Options with { Token = "hf_secret" });
        Assert.All(_hub.Requests.Where(r => r.Path.StartsWith("/content/", StringComparison.Ordinal)), r => Assert.False(r.HasToken));
    }

    [Fact]
    public async Task One_of_several_gguf_files_is_named_by_a_part()
    {
        _hub.Put("tiny.Q4_K_M.gguf", [.. "GGUF"u8, 1], isLarge: true);
        _hub.Put("tiny.Q8_0.gguf", [.. "GGUF"u8, 2], isLarge: true);
        _hub.Announce();
        string place = await Pull("someone/tiny:q8_0");
        Assert.Equal(Path.Combine(_folder, "someone", "tiny", "tiny.Q8_0.gguf"), place);
        Assert.Equal(place, ModelHub.Find(HubName.Parse("someone/tiny:Q8_0"), Options));
        Assert.Contains("has no file 'Q2_K'; it has tiny.Q4_K_M.gguf, tiny.Q8_0.gguf", await Refusal("someone/tiny:Q2_K"), StringComparison.Ordinal);
        Assert.Contains("means several files", await Refusal("someone/tiny:tiny"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../escape.json")]
    [InlineData("/etc/escape.json")]
    [InlineData("a/../../escape.json")]
    [InlineData("a\\b.json")]
    [InlineData("a//b.json")]
    public async Task Paths_that_lead_out_of_the_repository_are_refused(string path)
    {
        _hub.Put(path, "{}");
        _hub.Announce();
        Assert.Contains("which is no path within a repository", await Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_pulled_is_said_in_a_sentence()
    {
        Assert.Contains("has no model 'someone/other'", await Refusal("someone/other"), StringComparison.Ordinal);
        Assert.Contains("is not on this machine", await Refusal(options: Options with { Offline = true }), StringComparison.Ordinal);
        Assert.Contains("check the network", await Refusal(options: Options with { Endpoint = "http://127.0.0.1:1" }), StringComparison.Ordinal);
        using var bare = new FakeHub();
        bare.Put("pytorch_model.bin", [1], isLarge: true);
        bare.Put("config.json", "{}");
        bare.Announce();
        Assert.Contains("no weights as safetensors or GGUF", await Refusal(options: Options with { Endpoint = bare.Endpoint }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("owner/name", true)]
    [InlineData("Qwen/Qwen2.5-0.5B-Instruct-GGUF:q4_k_m", true)]
    [InlineData("name", false)]
    [InlineData("a/b/c", false)]
    [InlineData("../name", false)]
    [InlineData("owner/..", false)]
    [InlineData("owner/name:../x", false)]
    [InlineData("./models", false)]
    public void Names(string text, bool isName) => Assert.Equal(isName, HubName.TryParse(text) is not null);
}
