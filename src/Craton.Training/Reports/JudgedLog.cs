using System.Text.Json;
using System.Text.Json.Serialization;
using Craton.Data.Images;
using Craton.Data.Images.Scenes;
using Craton.Training.Recipes;

namespace Craton.Training.Reports;

/// <summary>The pictures of the last judgement with their captions, <c>judged.json</c> in the run's folder.</summary>
internal static class JudgedLog
{
    private const string FileName = "judged.json";

    /// <summary>A picture, its caption, and what is wrong with it; nothing when it is right.</summary>
    public sealed record Entry(string Caption, IReadOnlyList<string> Wrong, byte[] Png);

    /// <summary>What is kept of a step; it replaces what was there.</summary>
    public sealed record Content(long Step, IReadOnlyList<Entry> Entries);

    /// <summary>Keeps the pictures of a step.</summary>
    public static void Write(string runFolder, long step, IEnumerable<JudgedScene> judged)
    {
        Entry[] entries = [.. judged.Select(scene => new Entry(scene.Caption.ToString(), [.. scene.Check.Parts.Where(part => !part.Holds).Select(Wrong)], PngWriter.Write(scene.Picture)))];
        DurableFile.Write(Path.Combine(runFolder, FileName), stream => JsonSerializer.Serialize(stream, new Content(step, entries), JudgedJson.Default.Content));
    }

    /// <summary>What was kept last, or null.</summary>
    public static Content? Read(string runFolder) =>
        Path.Combine(runFolder, FileName) is var path && File.Exists(path) ? JsonSerializer.Deserialize(File.ReadAllBytes(path), JudgedJson.Default.Content) : null;

    private static string Wrong(ScenePart part) => $"{part.Name.Replace('_', ' ')} {part.Found}, not {part.Expected}";
}

[JsonSerializable(typeof(JudgedLog.Content))]
internal sealed partial class JudgedJson : JsonSerializerContext;
