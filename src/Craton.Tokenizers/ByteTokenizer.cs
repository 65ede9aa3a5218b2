using Craton.Tokenizers.Bpe;
using Craton.Tokenizers.Files;

namespace Craton.Tokenizers;

/// <summary>Makes the smallest vocabulary there is: every byte is its own id, special tokens follow from 256 on.</summary>
public static class ByteTokenizer
{
    /// <summary>Creates the tokenizer: byte-level BPE without merges, so that any loader of such files can read it.</summary>
    /// <param name="specialTokens">The special tokens, numbered from 256 in this order; the first one ends a text.</param>
    public static BpeTokenizer Create(params IEnumerable<string> specialTokens)
    {
        List<AddedToken> added = [.. specialTokens.Select((token, i) => new AddedToken(256 + i, token) { Special = true })];
        IReadOnlyList<byte[]?> bytes = [.. Enumerable.Range(0, 256).Select(b => new[] { (byte)b })];
        Components components = Components.ByteLevel(SplitPattern.None, addPrefixSpace: false, nfc: false);
        return new BpeTokenizer("byte tokenizer", BpeVocabulary.Create(bytes, added), [], ignoreMerges: false, added, components)
        {
            EosToken = added.Count > 0 ? added[0].Content : null,
        };
    }
}
