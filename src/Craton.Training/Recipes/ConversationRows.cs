using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Craton.Data;
using Craton.Models;
using Craton.Tensors;
using Craton.Tokenizers;

namespace Craton.Training.Recipes;

/// <summary>Conversations made ready for training: rendered, divided, and those left out that do not fit the context.</summary>
internal sealed class ConversationRows
{
    private readonly ILookup<Split, MaskedExample> _examples;
    private readonly int _context, _padding;

    private ConversationRows(ILookup<Split, MaskedExample> examples, int context, int padding, string sha256) =>
        (_examples, _context, _padding, Sha256) = (examples, context, padding, sha256);

    /// <summary>Hash of all conversations of the source, in order.</summary>
    public string Sha256 { get; }

    /// <summary>Reads and renders the conversations, and writes the page about them.</summary>
    /// <exception cref="CratonException">No conversation is there for training, or none fits.</exception>
    public static ConversationRows Prepare(DataSettings data, ChatTemplate template, Tokenizer tokenizer, int context, string folder, TrainingListener listener)
    {
        var reader = new SourceReader(listener.OnMessage);
        var splitter = new Splitter(data.ValidFraction, data.TestFraction);
        var fits = new RuleReport("context");
        var kept = new List<(Split Split, MaskedExample Example)>();
        string? refusal = null;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var statistics = new DataStatistics(tokenizer);
        foreach (Document _ in statistics.Watch(Fitting())) { }
        Selection.Say(fits, listener);
        if (kept.Count == 0 && refusal is not null) throw new CratonException($"no conversation is left: the chat template refuses them ({refusal})");
        if (kept.Count == 0) throw new CratonException($"no conversation fits the model's context of {context} tokens; use shorter ones or a model with a longer context");
        Corpus.SavePage(folder, new Selection([], [fits], reader.Report), statistics);
        return new ConversationRows(kept.ToLookup(k => k.Split, k => k.Example), context, template.Padding, Convert.ToHexStringLower(hash.GetHashAndReset()));

        // A conversation whose answer is cut off would teach not to end: it is left out, and counted.
        IEnumerable<Document> Fitting()
        {
            foreach (Conversation conversation in Sft.Conversations(data, reader))
            {
                hash.AppendData(JsonSerializer.SerializeToUtf8Bytes(conversation.Turns, TurnsJson.Default.IReadOnlyListChatTurn));
                var document = new Document(conversation.Id, string.Join('\n', conversation.Turns.Select(t => t.Content)), conversation.Source);
                if (Example(conversation) is not { } example)
                {
                    fits.Dropped(document, "refused by the chat template");
                    continue;
                }
                if (example.Ids.Length > context + 1)
                {
                    fits.Dropped(document, $"longer than {context} tokens");
                    continue;
                }
                fits.Passed(document);
                kept.Add((splitter.Of(conversation), example));
                yield return document;
            }
        }

        MaskedExample? Example(Conversation conversation)
        {
            try
            {
                (int[] ids, bool[] learn) = template.Example(conversation.Turns);
                return new MaskedExample(ids, learn);
            }
            catch (CratonException e)
            {
                refusal ??= e.Message;
                return null;
            }
        }
    }

    /// <summary>Whether a split has conversations.</summary>
    public bool Has(Split split) => _examples.Contains(split);

    /// <summary>Number of conversations of a split.</summary>
    public int Count(Split split) => _examples[split].Count();

    /// <summary>Rows of a split's conversations.</summary>
    /// <exception cref="CratonException">It has none.</exception>
    public PackedRows Pack(Split split, ulong seed, bool shuffle = true) => Has(split)
        ? new PackedRows([.. _examples[split]], _context, seed, _padding, shuffle)
        : throw new CratonException($"no conversation is left for the {split} split; use more of them, or smaller data.valid_fraction and data.test_fraction");
}

[JsonSerializable(typeof(IReadOnlyList<ChatTurn>))]
internal sealed partial class TurnsJson : JsonSerializerContext;
