using System.Runtime.ExceptionServices;
using Craton.Tokenizers.Files;

namespace Craton.Tokenizers;

/// <summary>
/// Turns text into token ids and back. Encoding and decoding are safe to call from many threads at once; the names of the
/// <see cref="EosToken">roles</see> and the <see cref="ChatTemplate"/> are to be set before an instance is shared.
/// </summary>
public abstract partial class Tokenizer
{
    /// <summary>The name of the chat template that counts where none is asked for.</summary>
    public const string DefaultTemplate = "default";

    private const int TextsAtOnce = 16;

    /// <summary>Number of ids, added and special tokens included: every id is below it.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>The chat templates (Jinja) that belong to this vocabulary, by name; kept by loading and saving, never interpreted here.</summary>
    public IDictionary<string, string> ChatTemplates { get; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The one of the <see cref="ChatTemplates"/> named <c>default</c>, or null.</summary>
    public string? ChatTemplate
    {
        get => ChatTemplates.TryGetValue(DefaultTemplate, out string? template) ? template : null;
        set
        {
            _ = ChatTemplates.Remove(DefaultTemplate);
            if (value is not null)
                ChatTemplates.Add(DefaultTemplate, value);
        }
    }

    /// <summary>Content of the token that ends a document or a turn, where one is named.</summary>
    public string? EosToken { get; set; }

    /// <summary>Content of the token that begins a sequence, where one is named.</summary>
    public string? BosToken { get; set; }

    /// <summary>Content of the token that fills a batch, where one is named.</summary>
    public string? PadToken { get; set; }

    /// <summary>Content of the token for what the vocabulary cannot express, where one is named.</summary>
    public string? UnkToken { get; set; }

    /// <summary>
    /// Loads a tokenizer from a <c>tokenizer.json</c> or from a model directory: <c>tokenizer.json</c>, else
    /// <c>vocab.json</c> + <c>merges.txt</c>, else <c>encoder.json</c> + <c>vocab.bpe</c>, else the <c>vocab.txt</c> of BERT,
    /// else a SentencePiece model (<c>tokenizer.model</c>, <c>spiece.model</c>). A <c>tokenizer_config.json</c>, a
    /// <c>chat_template.jinja</c> and <c>chat_templates/NAME.jinja</c> beside it supply the roles and the chat templates.
    /// </summary>
    /// <exception cref="TokenizerFileException">The file is damaged or uses a component that is not supported.</exception>
    public static Tokenizer Load(string path) => TokenizerDirectory.Load(path);

    /// <summary>Reads the content of a <c>tokenizer.json</c>.</summary>
    /// <param name="json">UTF-8.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="TokenizerFileException">It is damaged or uses a component that is not supported.</exception>
    public static Tokenizer FromJson(ReadOnlyMemory<byte> json, string name) => TokenizerJsonReader.Parse(json, name);

    /// <summary>
    /// Encodes text as ids. Text is data: the content of a special token inside <paramref name="text"/> is encoded as ordinary
    /// characters unless <paramref name="allowSpecial"/> is set, so untrusted text can never produce a control token.
    /// A lone surrogate is read as U+FFFD.
    /// </summary>
    /// <param name="text">The text, of any length (linear time).</param>
    /// <param name="ids">Receives the ids, appended.</param>
    /// <param name="allowSpecial">Recognise special tokens written in the text (trusted templates only).</param>
    public abstract void Encode(ReadOnlySpan<char> text, List<int> ids, bool allowSpecial = false);

    /// <summary>Encodes UTF-8 bytes, which need not be valid UTF-8 where the tokenizer is byte-level.</summary>
    public abstract void EncodeUtf8(ReadOnlySpan<byte> utf8, List<int> ids, bool allowSpecial = false);

    /// <summary>Encodes text as a new array of ids.</summary>
    public int[] Encode(ReadOnlySpan<char> text, bool allowSpecial = false)
    {
        var ids = new List<int>(text.Length / 3 + 4);
        Encode(text, ids, allowSpecial);
        return [.. ids];
    }

    /// <summary>Encodes texts on several threads; the ids come in the order of the texts and do not depend on the threads.</summary>
    /// <param name="texts">The texts; one by one they are ordinary text, as for <see cref="Encode(ReadOnlySpan{char}, bool)"/>.</param>
    /// <param name="threads">The most threads to use.</param>
    /// <exception cref="TokenizerException">A text cannot be encoded: the first of those that cannot.</exception>
    public int[][] EncodeBatch(IReadOnlyList<string> texts, int threads)
    {
        var ids = new int[texts.Count][];
        int groups = (texts.Count + TextsAtOnce - 1) / TextsAtOnce;
        var failures = new TokenizerException?[groups];
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads };
        _ = Parallel.For(0, groups, options, () => new List<int>(), (group, _, found) =>
        {
            try
            {
                for (int i = group * TextsAtOnce; i < Math.Min((group + 1) * TextsAtOnce, texts.Count); i++)
                {
                    found.Clear();
                    Encode(texts[i], found);
                    ids[i] = [.. found];
                }
            }
            catch (TokenizerException e)
            {
                failures[group] = e;
            }

            return found;
        }, _ => { });
        if (Array.Find(failures, f => f is not null) is { } first)
            ExceptionDispatchInfo.Throw(first);
        return ids;
    }

    /// <summary>Encodes text and says for each token which part of the text it came from, in UTF-16 units.</summary>
    /// <exception cref="NotSupportedException">This kind of tokenizer keeps no offsets.</exception>
    public virtual TokenSpan[] EncodeWithOffsets(ReadOnlySpan<char> text, bool allowSpecial = false) =>
        throw new NotSupportedException($"{GetType().Name} keeps no offsets; use Encode.");

    /// <summary>The bytes an id stands for (a special token: the UTF-8 of its content; an id without a token: none).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is outside the vocabulary.</exception>
    public abstract ReadOnlySpan<byte> TokenBytes(int id);

    /// <summary>Decodes ids; bytes that are no valid UTF-8 become U+FFFD.</summary>
    public abstract string Decode(ReadOnlySpan<int> ids, bool skipSpecial = true);

    /// <summary>The id of a special or ordinary token by its content, or null.</summary>
    public abstract int? IdOf(string token);

    /// <summary>True when the id is a special (control) token.</summary>
    public abstract bool IsSpecial(int id);

    /// <summary>The added tokens, special ones among them, in order of id.</summary>
    public virtual IReadOnlyList<AddedToken> AddedTokens => [];

    /// <summary>The id that ends a document or a turn, or null where the vocabulary has none.</summary>
    public virtual int? EndOfText => IdOf(EosToken ?? BetweenTexts);

    /// <summary>The usual token between two texts: it ends the one and begins the next.</summary>
    internal const string BetweenTexts = "<|endoftext|>";

    /// <summary>Writes <c>tokenizer.json</c> and <c>tokenizer_config.json</c> into a model directory, in Hugging Face form.</summary>
    public abstract void Save(string directory);
}
