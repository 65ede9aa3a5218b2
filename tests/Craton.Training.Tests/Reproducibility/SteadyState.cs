using System.Globalization;
using Craton.Data;
using Craton.Models;
using Craton.Tensors.Memory;
using Craton.Tokenizers;
using Craton.Training.Recipes;

namespace Craton.Training.Tests.Reproducibility;

/// <summary>
/// Trains the small configuration in a process of its own, where nothing else allocates, and prints how many bytes of managed memory and
/// how many blocks of tensor memory the steps after the third took, on all threads together.
/// </summary>
internal static class SteadyState
{
    private const int WarmUp = 3, Measured = 3, Rows = 2, Context = 64, DocumentsOfRow = 2, Vocabulary = 8192;

    public static void Run(OptimizerKind optimizer, int accumulate, bool checkpoint)
    {
        TensorScope.Checks = false; // debug builds otherwise never recycle a tensor
        int readsOfStep = accumulate * Rows * DocumentsOfRow;
        var probe = new Probe(Documents(), firstRead: WarmUp * readsOfStep, lastRead: (WarmUp + Measured) * readsOfStep);
        Gpt model = new Gpt(GptConfig.FromDepth(6, Vocabulary, Context)).Initialize(seed: 1);
        var rows = new TokenLoader(probe, Context, new TokenLoaderOptions { Seed = 1, Begin = 0 });
        var task = new TrainingTask("steady", model, ByteTokenizer.Create(Corpus.SpecialTokens), rows, Valid: null, Context, Sample: null);
        var loop = new LoopSettings { Steps = WarmUp + Measured + 1, Batch = Rows, Accumulate = accumulate, LogEvery = 1000, SaveEvery = 0, EmaDecay = 0.99, CheckpointActivations = checkpoint };
        string folder = Directory.CreateTempSubdirectory("craton-steady-").FullName;
        try
        {
            _ = LanguageModelTraining.Run(task, loop, new OptimizerSettings { Kind = optimizer }, new ScheduleSettings(), folder, stop: null, TrainingListener.Silent);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{probe.Bytes} bytes, {probe.Misses} misses"));
    }

    // All of half a row, so that a row is two reads.
    private static MemoryTokens Documents() =>
        new([.. Enumerable.Range(0, 100).Select(d => Enumerable.Range(0, Context / DocumentsOfRow).Select(i => (d * 911 + i * 127) % Vocabulary).ToArray())]);

    /// <summary>Tokens that notice when the loop begins the first measured step, and the step after the last one.</summary>
    private sealed class Probe(TokenStore tokens, int firstRead, int lastRead) : TokenStore
    {
        private int _reads;

        public long Bytes { get; private set; } = -1;

        public long Misses { get; private set; } = -1;

        public override long Documents => tokens.Documents;

        public override long Tokens => tokens.Tokens;

        public override (long Start, int Length) Document(long index) => tokens.Document(index);

        public override void Read(long start, Span<int> ids)
        {
            if (_reads == firstRead) (Bytes, Misses) = (GC.GetTotalAllocatedBytes(precise: true), MemoryPool.Misses);
            if (_reads == lastRead) (Bytes, Misses) = (GC.GetTotalAllocatedBytes(precise: true) - Bytes, MemoryPool.Misses - Misses);
            _reads++;
            tokens.Read(start, ids);
        }
    }
}
