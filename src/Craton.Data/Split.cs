using Craton.Tensors;

namespace Craton.Data;

/// <summary>The parts a data set is divided into.</summary>
public enum Split
{
    /// <summary>Weights learn from it.</summary>
    Train,

    /// <summary>Choices are made on it.</summary>
    Valid,

    /// <summary>Results are reported on it, once.</summary>
    Test,
}

/// <summary>
/// Assigns documents to splits by a hash of their group or id alone, so the split of a document never changes when others are
/// added, removed or re-ordered, and near-duplicates that share a group never leak from training into testing.
/// </summary>
public sealed class Splitter
{
    private readonly double _valid, _test;
    private readonly ulong _seed;

    /// <summary>Creates the rule.</summary>
    /// <param name="valid">Expected fraction of groups for validation, in [0, 1).</param>
    /// <param name="test">Expected fraction of groups for testing, in [0, 1); the rest trains.</param>
    /// <param name="seed">Another seed, another division.</param>
    /// <exception cref="CratonException">A fraction is out of range or nothing is left for training.</exception>
    public Splitter(double valid = 0.05, double test = 0.05, ulong seed = 0)
    {
        if (!(valid >= 0 && test >= 0 && valid + test < 1))
            throw new CratonException($"The split fractions must be at least 0 and leave something for training, but valid is {valid} and test is {test}; choose e.g. 0.05 and 0.05.");
        (_valid, _test, _seed) = (valid, test, seed);
    }

    /// <summary>The split of a document: by <see cref="Document.Group"/>, or by <see cref="Document.Id"/> where it has none.</summary>
    public Split Of(Document document) => Of(document.Group ?? document.Id);

    /// <summary>The split of a conversation, by the same key as the document it was made from.</summary>
    public Split Of(Conversation conversation) => Of(conversation.Group ?? conversation.Id);

    /// <summary>The split of a key.</summary>
    public Split Of(string key)
    {
        double place = StableHash.ToUnit(StableHash.Of(key, _seed));
        return place < _test ? Split.Test : place < _test + _valid ? Split.Valid : Split.Train;
    }
}
