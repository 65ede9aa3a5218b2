using Craton.Tensors;

namespace Craton.Data;

/// <summary>Where a loader stands in one of its sources.</summary>
/// <param name="Epoch">Passes completed.</param>
/// <param name="Document">Documents (or rows) of this pass completed.</param>
/// <param name="Offset">Tokens already taken of the next document.</param>
/// <param name="Rows">Rows taken from this source so far.</param>
public sealed record SourceCursor(long Epoch, long Document, long Offset, long Rows);

/// <summary>Everything a loader needs to go on at the exact next row: small, and written into each checkpoint.</summary>
/// <param name="Fingerprint">Of the data and settings the state belongs to.</param>
/// <param name="Rows">Rows given out so far.</param>
/// <param name="Sources">One cursor per source.</param>
public sealed record LoaderState(string Fingerprint, long Rows, IReadOnlyList<SourceCursor> Sources);

/// <summary>
/// Fills batches of rows for training; deterministic, endless, and resumable at any row. Not thread-safe. Layout of every buffer:
/// [rows, <see cref="Context"/>], row-major.
/// </summary>
public abstract class BatchLoader : IResumable
{
    /// <summary>Target of a position whose prediction is not learnt (as in PyTorch and Hugging Face).</summary>
    public const int Ignore = -100;

    /// <summary>Creates a loader of rows of <paramref name="context"/> tokens.</summary>
    protected BatchLoader(int context)
    {
        if (context < 1) throw new CratonException($"A row needs at least 1 token, got a context of {context}.");
        Context = context;
    }

    /// <summary>Tokens in a row.</summary>
    public int Context { get; }

    /// <inheritdoc/>
    public abstract LoaderState State { get; set; }

    /// <summary>Fills the next rows; allocates nothing in steady state.</summary>
    /// <param name="inputs">Token ids.</param>
    /// <param name="targets">The id that follows each input, or <see cref="Ignore"/>.</param>
    /// <param name="documentIds">Number of the document in its row, from 0: a position may attend only to positions of the same number.</param>
    /// <param name="positions">Place of each token in its document's part of the row, from 0.</param>
    /// <exception cref="ArgumentException">The spans differ in length or hold no whole number of rows.</exception>
    public void Next(Span<int> inputs, Span<int> targets, Span<int> documentIds, Span<int> positions)
    {
        if (inputs.Length % Context != 0 || targets.Length != inputs.Length || documentIds.Length != inputs.Length || positions.Length != inputs.Length)
            throw new ArgumentException($"expected four spans of rows x {Context} tokens, got {inputs.Length}, {targets.Length}, {documentIds.Length} and {positions.Length}");
        for (int at = 0; at < inputs.Length; at += Context)
            NextRow(inputs.Slice(at, Context), targets.Slice(at, Context), documentIds.Slice(at, Context), positions.Slice(at, Context));
    }

    /// <summary>Fills one row.</summary>
    private protected abstract void NextRow(Span<int> inputs, Span<int> targets, Span<int> documentIds, Span<int> positions);

    /// <summary>Refuses a state of other data or settings.</summary>
    internal static void Check(LoaderState state, string fingerprint, int sources)
    {
        if (state.Fingerprint != fingerprint || state.Sources.Count != sources)
            throw new CratonException($"The checkpoint's place in the data belongs to other data or loader settings (fingerprint {state.Fingerprint}, expected {fingerprint}); resume with the data, context, seed and mixture it was trained with, or start a new run.");
    }
}
