using System.Security.Cryptography;
using Craton.Models;
using Craton.Models.Adapters;
using Craton.Models.Generation;
using Craton.Training.Configuration;
using Craton.Training.Recipes;

namespace Craton.Training.Tests.Recipes;

public sealed class RecipeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("craton-recipes-").FullName;

    private RunOptions Options => new(Path.Combine(_folder, "runs"), Resume: false, TrainingListener.Silent);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<string> RecipeFiles => [.. Directory.GetFiles(Path.Combine(Root(), "recipes"), "*.yaml").Select(f => Path.GetFileName(f)!)];

    [Theory]
    [MemberData(nameof(RecipeFiles))]
    public void Every_recipe_of_the_repository_is_valid_and_so_is_what_a_run_keeps_of_it(string file)
    {
        string path = Path.Combine(Root(), "recipes", file), yaml = File.ReadAllText(path), kind = RecipeReader.Kind(yaml, path);
        string resolved = RecipeWriter.Write(kind, Read(yaml));
        Assert.Equal(resolved, RecipeWriter.Write(kind, Read(resolved)));

        RecipePart Read(string yaml) => RecipeReader.Kind(yaml, path) switch
        {
            "pretrain" => RecipeReader.Read<PretrainRecipe>(yaml, path),
            "continue" => RecipeReader.Read<ContinueRecipe>(yaml, path),
            "lora" => RecipeReader.Read<LoraRecipe>(yaml, path),
            "text-diffusion" => RecipeReader.Read<TextDiffusionRecipe>(yaml, path),
            "vae" => RecipeReader.Read<VaeRecipe>(yaml, path),
            "diffusion" => RecipeReader.Read<DiffusionRecipe>(yaml, path),
            "gan" => RecipeReader.Read<GanRecipe>(yaml, path),
            "text-to-image" => RecipeReader.Read<TextToImageRecipe>(yaml, path),
            "spatial-vae" => RecipeReader.Read<SpatialVaeRecipe>(yaml, path),
            "vq-vae" => RecipeReader.Read<VqVaeRecipe>(yaml, path),
            "dalle" => RecipeReader.Read<DalleRecipe>(yaml, path),
            "vqa" => RecipeReader.Read<VqaRecipe>(yaml, path),
            "clip" => RecipeReader.Read<ClipRecipe>(yaml, path),
            "classifier" => RecipeReader.Read<ClassifierRecipe>(yaml, path),
            "caption" => RecipeReader.Read<CaptionRecipe>(yaml, path),
            _ => RecipeReader.Read<SftRecipe>(yaml, path),
        };
    }

    [Fact]
    public void A_model_is_pretrained_continued_with_replay_and_tuned_to_answer()
    {
        string colours = Lines("colours.txt", i => $"the {Pick(i, "red", "green", "blue")} {Pick(i / 3, "box", "ball", "cup")} is here.");
        string animals = Lines("animals.txt", i => $"a {Pick(i, "cat", "dog", "owl")} saw the {Pick(i / 3, "moon", "sea", "fire")}.");
        RunResult first = Pretrain.Run(Pretraining(colours), Options);
        Assert.NotNull(first.ModelFolder);
        Assert.True(first.Outcome.ValLoss < 1.5, $"validation loss {first.Outcome.ValLoss}");

        var more = new ContinueRecipe
        {
            Base = first.ModelFolder,
            Data = Text(animals),
            Replay = Text(colours),
            ReplayFraction = 0.3,
            Optimizer = new OptimizerSettings { LearningRate = 3e-3 },
            Train = Loop(80),
        };
        RunResult second = Continue.Run(more, Options);
        Assert.True(second.Outcome.ValLoss < 1.5, $"validation loss {second.Outcome.ValLoss}");

        string questions = Path.Combine(_folder, "questions.jsonl");
        File.WriteAllLines(questions, Enumerable.Range(0, 60).Select(i => $$"""{"messages":[{"role":"user","content":"say {{Pick(i, "cat", "dog", "owl")}}"},{"role":"assistant","content":"{{Pick(i, "cat", "dog", "owl")}}"}]}"""));
        var tuning = new SftRecipe
        {
            Base = second.ModelFolder!,
            Data = new DataSettings { Source = questions, ValidFraction = 0.1, TestFraction = 0 },
            Optimizer = new OptimizerSettings { LearningRate = 3e-3, WeightDecay = 0 },
            Train = Loop(120),
        };
        RunResult third = Sft.Run(tuning, Options);

        TextModel model = TextModel.Load(third.ModelFolder!);
        GenerationResult answer = new TextGenerator(model.Model, model.Tokenizer).Generate(
            model.Template!.Prompt([new Data.ChatTurn("user", "say owl")]), new SamplingOptions { Temperature = 0, MaxTokens = 10 }, ends: [model.Template.EndOfTurn!.Value]);
        Assert.Equal("owl", answer.Text);
        Assert.Equal(FinishReason.Stop, answer.FinishReason);

        Assert.Equal(["data", "recipe", "tokenizer", "weights"], HashesOf(first).Keys);
        Assert.Equal(["base_model", "data", "recipe", "replay", "tokenizer", "weights"], HashesOf(second).Keys);
        Assert.Equal(["base_model", "data", "recipe", "tokenizer", "weights"], HashesOf(third).Keys);
        Assert.Equal(HashesOf(first)["weights"], HashesOf(second)["base_model"]);
        Assert.Equal(HashesOf(second)["weights"], HashesOf(third)["base_model"]);
        Assert.Equal(FileHash(third.ModelFolder!, "tokenizer.json"), HashesOf(third)["tokenizer"]);
        Assert.Equal(FileHash(third.RunFolder, "recipe.yaml"), HashesOf(third)["recipe"]);
        Assert.NotNull(ModelDirectory.LoadCard(third.ModelFolder!)!.CodeVersion);
    }

    [Fact]
    public void An_adapter_learns_to_answer_while_the_model_stays_as_it_is_and_resumes_with_the_same_bits()
    {
        RunResult first = Pretrain.Run(Pretraining(Lines("text.txt", i => $"a {Pick(i, "cat", "dog", "owl")} is here.")), Options);
        string questions = Path.Combine(_folder, "questions.jsonl");
        File.WriteAllLines(questions, Enumerable.Range(0, 60).Select(i => $$"""{"prompt":"say {{Pick(i, "cat", "dog", "owl")}}","completion":"{{Pick(i, "cat", "dog", "owl")}}"}"""));
        var recipe = new LoraRecipe
        {
            Base = first.ModelFolder!,
            Data = new DataSettings { Source = questions, ValidFraction = 0.1, TestFraction = 0 },
            Lora = new LoraSettings { Rank = 8, Alpha = 16, Dropout = 0.05, Dora = true, Targets = ["all-linear", "embed_tokens"] },
            Optimizer = new OptimizerSettings { LearningRate = 1e-2, WeightDecay = 0 },
            Train = Loop(150) with { SaveEvery = 50, Keep = 9, Accumulate = 2 },
        };
        Assert.Contains("all-linear", Assert.Throws<CratonException>(() => LoraTuning.Run(recipe, Options)).Message, StringComparison.Ordinal);
        recipe = recipe with { Lora = recipe.Lora with { Targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "embed_tokens"] } };
        RunResult tuned = LoraTuning.Run(recipe, Options);

        (TextModel model, PeftAdapter adapter) = TextModel.Load(first.ModelFolder!).WithAdapter(tuned.ModelFolder!);
        Assert.Equal("owl", Answer(model, "say owl"));
        adapter.Detach();
        Assert.Equal(HashesOf(first)["weights"], ModelDirectory.HashWeights(model.Model));
        Assert.Equal(["base_model", "data", "recipe", "tokenizer", "weights"], AdapterDirectory.LoadCard(tuned.ModelFolder!)!.Hashes.Keys);

        foreach (int step in new[] { 100, 150 }) Directory.Delete(Path.Combine(tuned.RunFolder, "checkpoints", $"step-{step:D8}"), recursive: true);
        Assert.Equal(tuned.Sha256, LoraTuning.Run(recipe, Options with { Resume = true }).Sha256);

        CausalLanguageModel changed = ModelDirectory.LoadModel(first.ModelFolder!);
        changed.NamedParameters().First().Tensor.AsSpan<float>()[0]++;
        ModelDirectory.Save(first.ModelFolder!, changed, ModelDirectory.LoadTokenizer(first.ModelFolder!), ModelDirectory.LoadCard(first.ModelFolder!)!);
        Assert.Contains("has changed since", Assert.Throws<CratonException>(() => LoraTuning.Run(recipe, Options with { Resume = true })).Message, StringComparison.Ordinal);
        Assert.Contains("was trained for", Assert.Throws<CratonException>(() => TextModel.LoadForInference(first.ModelFolder!, tuned.ModelFolder)).Message, StringComparison.Ordinal);

        static string Answer(TextModel model, string question) => new TextGenerator(model.Model, model.Tokenizer).Generate(
            model.Template!.Prompt([new Data.ChatTurn("user", question)]), new SamplingOptions { Temperature = 0, MaxTokens = 10 }, ends: model.Ends).Text;
    }

    [Fact]
    public void Samples_of_a_resumed_run_are_those_of_an_unbroken_one()
    {
        PretrainRecipe recipe = Pretraining(Lines("text.txt", i => $"line {i % 7} of the text.")) with { Train = Loop(12) with { SampleEvery = 3, SaveEvery = 4, Keep = 9 } };
        RunOptions options = Options with { Sample = (_, _, _) => "a text\n--- step 3" };
        RunResult run = Pretrain.Run(recipe, options);
        string samples = Path.Combine(run.RunFolder, "samples.txt"), whole = File.ReadAllText(samples);
        // As if killed behind the sample of step 6, before a checkpoint after that of step 4.
        foreach (int step in new[] { 8, 12 }) Directory.Delete(Path.Combine(run.RunFolder, "checkpoints", $"step-{step:D8}"), recursive: true);
        File.WriteAllText(samples, whole[..(whole.Length * 2 / 3)]);
        Assert.Equal(run.Sha256, Pretrain.Run(recipe, options with { Resume = true }).Sha256);
        Assert.Equal(whole, File.ReadAllText(samples));
        Assert.EndsWith("--- step 12\na text\n--- step 3\n", whole, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_left_out_is_said_and_shown()
    {
        string text = Lines("text.txt", i => i < 200 ? $"a line of the text with the number {i} in it." : "the same line of the text again and again.");
        File.AppendAllBytes(text, [0x61, 0xFF, 0x0A]);
        var said = new Messages();
        PretrainRecipe recipe = Pretraining(text) with { Data = Text(text) with { Cleaning = CleaningPreset.Docs }, Train = Loop(2) };
        RunResult run = Pretrain.Run(recipe, Options with { Listener = said });
        Assert.Contains(said.All, m => m.Contains("1 record that cannot be read was left out", StringComparison.Ordinal) && m.Contains("line 301: the line is not valid UTF-8", StringComparison.Ordinal));
        Assert.Contains(said.All, m => m.StartsWith("exact-dedup: ", StringComparison.Ordinal) && m.Contains("left out (", StringComparison.Ordinal));
        string page = File.ReadAllText(Path.Combine(run.RunFolder, "data", "statistics.html"));
        Assert.Contains("Examples of exact-dedup", page, StringComparison.Ordinal);
        Assert.Contains("line 301", page, StringComparison.Ordinal);
        Assert.Contains("href=\"data/statistics.html\"", File.ReadAllText(run.Report), StringComparison.Ordinal);

        string rows = Path.Combine(_folder, "rows.jsonl");
        File.WriteAllLines(rows, [.. Enumerable.Range(0, 20).Select(i => $$"""{"prompt":"{{i}}","completion":"yes"}"""), $$"""{"prompt":"{{new string('x', 99)}}","completion":"no"}""", "{\"broken\""]);
        RunResult tuned = Sft.Run(new SftRecipe { Base = run.ModelFolder!, Data = new DataSettings { Source = rows, ValidFraction = 0, TestFraction = 0 }, Train = Loop(2) }, Options with { Listener = said });
        Assert.Contains(said.All, m => m == "context: 1 of 21 left out (longer than 48 tokens 1)");
        Assert.Contains(said.All, m => m.Contains("rows.jsonl' line 22", StringComparison.Ordinal));
        Assert.Contains("longer than 48 tokens", File.ReadAllText(Path.Combine(tuned.RunFolder, "data", "statistics.html")), StringComparison.Ordinal);
    }

    private sealed class Messages : TrainingListener
    {
        public List<string> All { get; } = [];

        public override void OnMessage(string message) => All.Add(message);
    }

    private static IReadOnlyDictionary<string, string> HashesOf(RunResult run) => ModelDirectory.LoadCard(run.ModelFolder!)!.Hashes;

    private static string FileHash(string folder, string file) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, file))));

    [Fact]
    public void A_run_that_exists_is_not_overwritten_and_another_recipe_is_not_resumed()
    {
        string text = Lines("text.txt", i => $"line {i % 7} of the text.");
        PretrainRecipe recipe = Pretraining(text) with { Train = Loop(2) };
        _ = Pretrain.Run(recipe, Options);
        Assert.Contains("--resume", Assert.Throws<CratonException>(() => Pretrain.Run(recipe, Options)).Message, StringComparison.Ordinal);
        PretrainRecipe other = recipe with { Seed = 2 };
        Assert.Contains("seed", Assert.Throws<CratonException>(() => Pretrain.Run(other, Options with { Resume = true })).Message, StringComparison.Ordinal);
    }

    private static PretrainRecipe Pretraining(string text) => new()
    {
        Data = Text(text),
        Tokenizer = new TokenizerSettings { Kind = TokenizerKind.Byte },
        Model = new ModelSettings { Depth = 2, Width = 32, Heads = 2, Context = 48 },
        Optimizer = new OptimizerSettings { LearningRate = 5e-3 },
        Schedule = new ScheduleSettings { Warmup = 10 },
        Train = Loop(100),
    };

    private static DataSettings Text(string file) => new() { Source = file, LinesAreDocuments = true, Cleaning = CleaningPreset.None, ValidFraction = 0.1, TestFraction = 0 };

    private static LoopSettings Loop(int steps) => new() { Steps = steps, Batch = 8, EvalBatches = 2, EvalEvery = 0, SampleEvery = 0, SaveEvery = 50 };

    private string Lines(string name, Func<int, string> line)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllLines(path, Enumerable.Range(0, 300).Select(i => $"{line(i)} {i % 10}"));
        return path;
    }

    private static string Pick(int i, params string[] words) => words[i % words.Length];

    private static string Root()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Craton.slnx"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }
}
