namespace Craton.Data;

/// <summary>One text on its way to training.</summary>
/// <param name="Id">Names the document in every later run over the same source: a member id, or file and line.</param>
/// <param name="Text">The text, UTF-16.</param>
/// <param name="Source">Where it came from, for people: <c>file</c> or <c>file:line</c>.</param>
public sealed record Document(string Id, string Text, string Source)
{
    /// <summary>Documents of one group always fall into the same split (<see cref="Splitter"/>); null: the document is its own group.</summary>
    public string? Group { get; init; }
}

/// <summary>One turn of a conversation.</summary>
/// <param name="Role"><c>system</c>, <c>user</c>, <c>assistant</c> or <c>tool</c>.</param>
/// <param name="Content">What was said.</param>
public sealed record ChatTurn(string Role, string Content);

/// <summary>One supervised example: turns of which the assistant's are learnt.</summary>
/// <param name="Id">Stable name, as for <see cref="Document.Id"/>.</param>
/// <param name="Turns">The turns in order, at least one.</param>
/// <param name="Source">Where it came from, for people.</param>
public sealed record Conversation(string Id, IReadOnlyList<ChatTurn> Turns, string Source)
{
    /// <summary>Conversations of one group always fall into the same split; null: the conversation is its own group.</summary>
    public string? Group { get; init; }
}
