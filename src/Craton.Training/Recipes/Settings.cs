using Craton.Training.Configuration;

namespace Craton.Training.Recipes;

// The parts that recipes are made of. Every default is what a plain run uses; names become snake_case in YAML.

/// <summary>Which text, and how it is cleaned and divided.</summary>
public sealed record DataSettings : RecipePart
{
    /// <summary><c>dotnet-docs</c>, a file, a folder or a glob, or <c>set:NAME/FILE</c> of the data catalogue.</summary>
    public string Source { get; init; } = "dotnet-docs";

    /// <summary>Cleaning rules: <c>none</c>, <c>docs</c> for reference documentation, <c>web</c> for crawled text.</summary>
    public CleaningPreset Cleaning { get; init; } = CleaningPreset.Docs;

    /// <summary>How documents become rows: packed with isolation, or random windows of one long text.</summary>
    public LoaderKind Loader { get; init; } = LoaderKind.Packed;

    /// <summary>Whether every line of a text file is a document.</summary>
    public bool LinesAreDocuments { get; init; }

    /// <summary>Share of documents held out for validation.</summary>
    [Range(0, 0.5)]
    public double ValidFraction { get; init; } = 0.02;

    /// <summary>Share of documents held out for the final evaluation.</summary>
    [Range(0, 0.5)]
    public double TestFraction { get; init; } = 0.02;

    /// <summary>What is held out together: single documents, or whole groups such as all members of a type.</summary>
    public SplitUnit SplitBy { get; init; } = SplitUnit.Document;

    /// <summary>Most documents to use; 0 for all.</summary>
    [NonNegative]
    public int MaxDocuments { get; init; }
}

/// <summary>What a split never divides.</summary>
public enum SplitUnit
{
    /// <summary>A document; all questions about one member.</summary>
    Document,
    /// <summary>A group of documents that resemble each other: all members of a type.</summary>
    Group,
}

/// <summary>Sets of cleaning rules.</summary>
public enum CleaningPreset
{
    /// <summary>Text as it is.</summary>
    None,
    /// <summary>Reference documentation: short documents are fine.</summary>
    Docs,
    /// <summary>Crawled pages: the published Gopher and C4 thresholds.</summary>
    Web,
}

/// <summary>How documents become rows.</summary>
public enum LoaderKind
{
    /// <summary>Documents one after the other, none seeing another.</summary>
    Packed,
    /// <summary>Random windows over one long text.</summary>
    Windows,
}

/// <summary>Kinds of tokenizer.</summary>
public enum TokenizerKind
{
    /// <summary>Byte-level byte-pair encoding.</summary>
    Bpe,
    /// <summary>One token for every character of the corpus.</summary>
    Char,
    /// <summary>One token for every byte.</summary>
    Byte,
}

/// <summary>The tokenizer: trained on the training split, or taken from a directory.</summary>
public sealed record TokenizerSettings : RecipePart
{
    /// <summary>Kind of tokenizer to train.</summary>
    public TokenizerKind Kind { get; init; } = TokenizerKind.Bpe;

    /// <summary>Number of token ids, special tokens included (byte-pair encoding only).</summary>
    [Range(260, 1_000_000)]
    public int VocabSize { get; init; } = 8192;

    /// <summary>A directory or <c>tokenizer.json</c> to use instead of training one.</summary>
    public string? Path { get; init; }
}

/// <summary>The shape of the model: one dial, and what may differ from it.</summary>
public sealed record ModelSettings : RecipePart
{
    /// <summary>The dial: blocks, and 64 × as much width.</summary>
    [Range(1, 128)]
    public int Depth { get; init; } = 6;

    /// <summary>Most tokens of a sequence.</summary>
    [Range(2, 1_000_000)]
    public int Context { get; init; } = 256;

    /// <summary>Width of the residual stream, when not 64 × depth.</summary>
    [Range(2, 65536)]
    public int? Width { get; init; }

    /// <summary>Number of query heads, when not width / 64.</summary>
    [Range(1, 1024)]
    public int? Heads { get; init; }

    /// <summary>Number of key/value heads, when not derived.</summary>
    [Range(1, 1024)]
    public int? KvHeads { get; init; }

    /// <summary>Feed-forward width, when not 8/3 of the width.</summary>
    [Range(1, 262144)]
    public int? FeedForward { get; init; }

    /// <summary>Normalise queries and keys per head; the model is then written as a Qwen3.</summary>
    public bool QkNorm { get; init; }

    /// <summary>Use the embedding table as output projection.</summary>
    public bool TieEmbeddings { get; init; } = true;
}

/// <summary>Kinds of optimizer.</summary>
public enum OptimizerKind
{
    /// <summary>AdamW (Loshchilov, Hutter 2019) for everything.</summary>
    AdamW,
    /// <summary>Muon (Jordan 2024) for the matrices of the blocks, AdamW for the rest.</summary>
    Muon,
}

/// <summary>The optimizer.</summary>
public sealed record OptimizerSettings : RecipePart
{
    /// <summary>Which one.</summary>
    public OptimizerKind Kind { get; init; } = OptimizerKind.AdamW;

    /// <summary>Peak learning rate of AdamW.</summary>
    [Positive]
    public double LearningRate { get; init; } = 3e-3;

    /// <summary>Peak learning rate of Muon's matrices.</summary>
    [Positive]
    public double MuonLearningRate { get; init; } = 0.02;

    /// <summary>Decay of the first moment.</summary>
    [Range(0, 0.9999)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the second moment.</summary>
    [Range(0, 0.99999)]
    public double Beta2 { get; init; } = 0.95;

    /// <summary>Added to the root of the second moment.</summary>
    [Positive]
    public double Eps { get; init; } = 1e-8;

    /// <summary>Decoupled weight decay of matrices.</summary>
    [NonNegative]
    public double WeightDecay { get; init; } = 0.1;

    /// <summary>Greatest norm of the gradient; 0 for no limit.</summary>
    [NonNegative]
    public double ClipNorm { get; init; } = 1;
}

/// <summary>Kinds of learning-rate schedule.</summary>
public enum ScheduleKind
{
    /// <summary>Warm-up, then constant.</summary>
    Constant,
    /// <summary>Warm-up, then a cosine down to the least ratio.</summary>
    Cosine,
    /// <summary>Warm-up, stable, then a linear decay.</summary>
    WarmupStableDecay,
}

/// <summary>The learning rate over the steps.</summary>
public sealed record ScheduleSettings : RecipePart
{
    /// <summary>Which form.</summary>
    public ScheduleKind Kind { get; init; } = ScheduleKind.Cosine;

    /// <summary>Steps of linear warm-up.</summary>
    [NonNegative]
    public int Warmup { get; init; } = 50;

    /// <summary>The last rate as a share of the peak.</summary>
    [Range(0, 1)]
    public double MinRatio { get; init; } = 0.1;

    /// <summary>Share of the steps that decay (warm-up, stable, decay only).</summary>
    [Range(0, 1)]
    public double DecayFraction { get; init; } = 0.3;
}

/// <summary>How long, how wide, and what to do on the way.</summary>
public sealed record LoopSettings : RecipePart
{
    /// <summary>Optimizer steps.</summary>
    [Positive]
    public int Steps { get; init; } = 1000;

    /// <summary>Rows of one pass.</summary>
    [Range(1, 65536)]
    public int Batch { get; init; } = 16;

    /// <summary>Passes added up to one step.</summary>
    [Range(1, 65536)]
    public int Accumulate { get; init; } = 1;

    /// <summary>Keep only what enters each block, and compute the block again on the way back: less memory, about a third more time, the same weights.</summary>
    public bool CheckpointActivations { get; init; }

    /// <summary>Steps between lines of the metrics file.</summary>
    [Positive]
    public int LogEvery { get; init; } = 10;

    /// <summary>Steps between validations; 0 for none but the last.</summary>
    [NonNegative]
    public int EvalEvery { get; init; } = 200;

    /// <summary>Batches of a validation.</summary>
    [Positive]
    public int EvalBatches { get; init; } = 20;

    /// <summary>Steps between samples; 0 for none.</summary>
    [NonNegative]
    public int SampleEvery { get; init; } = 200;

    /// <summary>What samples begin with.</summary>
    public string SamplePrompt { get; init; } = "";

    /// <summary>Steps between checkpoints; 0 for the last only.</summary>
    [NonNegative]
    public int SaveEvery { get; init; } = 200;

    /// <summary>Checkpoints kept.</summary>
    [Range(1, 1000)]
    public int Keep { get; init; } = 2;

    /// <summary>Decay of the moving average of the weights, which is what the model directory gets; 0 for none.</summary>
    [Range(0, 0.99999)]
    public double EmaDecay { get; init; }
}

/// <summary>The shape of a LoRA adapter.</summary>
public sealed record LoraSettings : RecipePart
{
    /// <summary>Rank of the updates.</summary>
    [Range(1, 4096)]
    public int Rank { get; init; } = 8;

    /// <summary>The factor on an update is this divided by the rank.</summary>
    [Positive]
    public double Alpha { get; init; } = 16;

    /// <summary>Probability with which a feature is left out of the updates.</summary>
    [Range(0, 0.9)]
    public double Dropout { get; init; }

    /// <summary>Ends of the names of the layers that are adapted, as <c>q_proj</c>; <c>all-linear</c> for all linear layers but the output.</summary>
    public IReadOnlyList<string> Targets { get; init; } = ["all-linear"];

    /// <summary>Learn the lengths of the weights' rows by themselves (Liu et al. 2024: DoRA).</summary>
    public bool Dora { get; init; }

    /// <summary>Divide alpha by the root of the rank (Kalajdzievski 2023: rsLoRA).</summary>
    public bool Rslora { get; init; }
}
