using Craton.Tensors;
using Craton.Tokenizers;

namespace Craton.Models;

/// <summary>Stands for the tokenizer of a model that has none, or none that can be used: ids can be given and are taken, text cannot.</summary>
/// <param name="directory">The model.</param>
/// <param name="problem">Why its tokenizer cannot be used; null when it has none.</param>
internal sealed class MissingTokenizer(string directory, string? problem = null) : Tokenizer
{
    private static readonly string[] s_files = ["tokenizer.json", "vocab.json", "encoder.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model"];

    /// <summary>Whether a folder holds no file of a tokenizer.</summary>
    public static bool In(string folder) => !s_files.Any(file => File.Exists(Path.Combine(folder, file)));

    /// <inheritdoc/>
    public override int VocabularySize => 0;

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<char> text, List<int> ids, bool allowSpecial = false) => throw Missing();

    /// <inheritdoc/>
    public override void EncodeUtf8(ReadOnlySpan<byte> utf8, List<int> ids, bool allowSpecial = false) => throw Missing();

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> TokenBytes(int id) => [];

    /// <inheritdoc/>
    public override string Decode(ReadOnlySpan<int> ids, bool skipSpecial = true) => "";

    /// <inheritdoc/>
    public override int? IdOf(string token) => throw Missing();

    /// <inheritdoc/>
    public override bool IsSpecial(int id) => false;

    /// <inheritdoc/>
    public override void Save(string directory) => throw Missing();

    private CratonException Missing() => problem is not null
        ? new($"{problem.TrimEnd('.')}; give token ids with --prompt-ids")
        : new($"'{directory}' holds no tokenizer (tokenizer.json, or vocab.json with merges.txt), which text needs; put one there, or give token ids with --prompt-ids");
}
