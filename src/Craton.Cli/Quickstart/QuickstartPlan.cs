using System.Diagnostics;
using System.Text.Json;
using Craton.Data;
using Craton.Models;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Training;
using Craton.Training.Optimizers;
using Craton.Training.Recipes;

namespace Craton.Cli.Quickstart;

/// <summary>How the minutes are spent on this machine: chosen once, kept in <c>plan.json</c>, so that an interrupted quickstart goes on with it.</summary>
internal sealed record QuickstartPlan(double Minutes, int Depth, int Vocabulary, int Context, int Batch, int PretrainSteps, int SftSteps, int TestDocuments)
{
    private const string FileName = "plan.json";

    // Shares of the time: the rest goes to selecting, cleaning, evaluation and the builds' first runs.
    private const double PretrainShare = 0.55, SftShare = 0.2;

    /// <summary>The plan of an earlier start in this folder, or a new one.</summary>
    public static QuickstartPlan LoadOrMake(string folder, double minutes, Output output)
    {
        string file = Path.Combine(folder, FileName);
        if (File.Exists(file))
        {
            QuickstartPlan kept = Read(file);
            if (kept.Minutes != minutes) output.Info($"{folder} was begun with --minutes {kept.Minutes}; going on with that plan (choose another --out for a new one)");
            return kept;
        }
        QuickstartPlan plan = Make(minutes);
        Directory.CreateDirectory(folder);
        DurableFile.WriteText(file, JsonSerializer.Serialize(plan, QuickstartJson.Default.QuickstartPlan));
        return plan;
    }

    private static QuickstartPlan Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(file), QuickstartJson.Default.QuickstartPlan) ?? throw new JsonException("it is empty");
        }
        catch (JsonException e)
        {
            throw new CratonException($"'{file}' is damaged ({e.Message.TrimEnd('.')}); choose another --out, or remove the file to plan anew", e);
        }
    }

    private static QuickstartPlan Make(double minutes)
    {
        (int depth, int vocabulary, int context) = minutes switch
        {
            < 1 => (2, 2048, 128),
            < 8 => (4, 4096, 256),
            < 30 => (6, 8192, 256),
            _ => (8, 8192, 512),
        };
        const int batch = 16;
        double perStep = SecondsPerStep(GptConfig.FromDepth(depth, vocabulary, context), batch);
        return new QuickstartPlan(
            minutes, depth, vocabulary, context, batch,
            Math.Max(20, (int)(minutes * 60 * PretrainShare / perStep)), Math.Max(10, (int)(minutes * 60 * SftShare / perStep)), minutes < 1 ? 200 : 1500);
    }

    // A few steps of the model itself, on noise, after the first ones have compiled the code.
    private static double SecondsPerStep(GptConfig config, int batch)
    {
        const int warmUp = 2, measured = 3;
        Gpt model = new Gpt(config).Initialize(0);
        NamedParameter[] parameters = [.. model.NamedParameters().Select(p => new NamedParameter(p.Name, p.Tensor))];
        var step = new TrainingStep(model, new AdamW(parameters, new AdamWOptions()), clipNorm: 1);
        int[] noise = [.. Enumerable.Range(0, 8192).Select(i => (int)StableHash.Below(StableHash.Combine(1, (ulong)i), (ulong)config.VocabSize))];
        var rows = new RandomWindows(new MemoryTokens(noise), config.MaxPositionEmbeddings);
        var tokens = new TokenBatch(batch, config.MaxPositionEmbeddings);
        Func<TokenBatch> next = () => tokens.Fill(rows);
        for (int i = 0; i < warmUp; i++) _ = step.Run(next, 1, 1);
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < measured; i++) _ = step.Run(next, 1, 1);
        return Stopwatch.GetElapsedTime(start).TotalSeconds / measured;
    }

    /// <summary>Pre-training on the machine's documentation.</summary>
    public PretrainRecipe Pretraining(long seed) => new()
    {
        Name = "pretrain",
        Seed = seed,
        Tokenizer = new TokenizerSettings { VocabSize = Vocabulary },
        Model = new ModelSettings { Depth = Depth, Context = Context },
        Optimizer = new OptimizerSettings { Kind = OptimizerKind.Muon, LearningRate = 3e-3, MuonLearningRate = 0.02, WeightDecay = 0.01 },
        Schedule = new ScheduleSettings { Kind = ScheduleKind.WarmupStableDecay, Warmup = Math.Min(50, PretrainSteps / 10), MinRatio = 0.05, DecayFraction = 0.4 },
        Train = Loop(PretrainSteps) with { SampleEvery = Math.Max(1, PretrainSteps / 3), SamplePrompt = "Method System.String." },
    };

    /// <summary>Instruction tuning on questions about the documentation.</summary>
    public SftRecipe Tuning(long seed, string model) => new()
    {
        Name = "sft",
        Seed = seed,
        Base = model,
        Schedule = new ScheduleSettings { Warmup = Math.Min(20, SftSteps / 10) },
        Train = Loop(SftSteps) with { SampleEvery = 0 },
    };

    private LoopSettings Loop(int steps) => new()
    {
        Steps = steps,
        Batch = Batch,
        LogEvery = Math.Max(1, steps / 100),
        EvalEvery = Math.Max(1, steps / 4),
        EvalBatches = 8,
        SaveEvery = Math.Max(1, steps / 4),
    };
}
