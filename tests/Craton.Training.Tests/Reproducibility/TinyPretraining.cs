using System.Text;
using Craton.Tensors.Diagnostics;
using Craton.Training.Recipes;

namespace Craton.Training.Tests.Reproducibility;

/// <summary>
/// A pre-training run of seconds that takes every part of the training path: packed documents, accumulation, norms of queries and keys,
/// shared key/value heads, Muon with AdamW, an average of the weights, clipping, validation, checkpoints. Its text is made by a formula.
/// </summary>
internal static class TinyPretraining
{
    /// <summary>Trains in <paramref name="folder"/>, or goes on with what is there, and prints the hash of the weights.</summary>
    public static void Run(string folder, int steps, bool checkpoint)
    {
        Environment.CurrentDirectory = folder; // the recipe, which the model directory quotes, must not depend on the folder
        const string text = "text.txt";
        if (!File.Exists(text)) DurableFile.WriteText(text, Text());
        var recipe = new PretrainRecipe
        {
            Name = "tiny",
            Data = new DataSettings { Source = text, LinesAreDocuments = true, Cleaning = CleaningPreset.None, ValidFraction = 0.1, TestFraction = 0 },
            Tokenizer = new TokenizerSettings { Kind = TokenizerKind.Char },
            Model = new ModelSettings { Depth = 2, Width = 48, Heads = 4, KvHeads = 2, Context = 45, QkNorm = true }, // no multiple of a register
            Optimizer = new OptimizerSettings { Kind = OptimizerKind.Muon, LearningRate = 5e-3 },
            Schedule = new ScheduleSettings { Warmup = 5 },
            Train = new LoopSettings { Steps = steps, Batch = 5, Accumulate = 2, LogEvery = 2, EvalEvery = 7, EvalBatches = 2, SaveEvery = 3, SampleEvery = 0, EmaDecay = 0.9, CheckpointActivations = checkpoint },
        };
        using var stop = new StopSignal();
        Console.WriteLine($"{MachineLimits.RegisterBits}-bit registers");
        RunResult result = Pretrain.Run(recipe, new RunOptions("runs", Resume: true, TrainingListener.Silent, stop));
        Console.WriteLine(result.Sha256 ?? "stopped");
    }

    private static string Text()
    {
        string[] words = ["one", "craton", "keeps", "its", "old", "shape", "while", "every", "sea", "around", "it", "moves", "on"];
        var text = new StringBuilder();
        ulong state = 1;
        for (int line = 0; line < 200; line++)
        {
            for (int word = 0; word < 4 + line % 13; word++)
            {
                state = state * 6364136223846793005 + 1442695040888963407; // Knuth's MMIX generator
                text.Append(word == 0 ? "" : " ").Append(words[(int)(state >> 33) % words.Length]);
            }
            text.Append(".\n");
        }
        return text.ToString();
    }
}
