using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Models;

/// <summary>The small JSON files of a model directory.</summary>
internal static class JsonFile
{
    private const long Most = 16 << 20;

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads a file whose content is an object.</summary>
    /// <exception cref="CratonException">It cannot be read, or is something else.</exception>
    public static JsonElement Read(string path) => Read(path, JsonValueKind.Object);

    /// <summary>Reads a file whose content is a list of objects.</summary>
    /// <exception cref="CratonException">It cannot be read, or is something else.</exception>
    public static JsonElement[] ReadList(string path)
    {
        JsonElement[] items = [.. Read(path, JsonValueKind.Array).EnumerateArray()];
        return items.All(item => item.ValueKind == JsonValueKind.Object) ? items : throw new CratonException($"{path}: expected a list of objects; the file is damaged");
    }

    private static JsonElement Read(string path, JsonValueKind kind)
    {
        try
        {
            long length = new FileInfo(path).Length;
            if (length > Most) throw new CratonException($"{path}: expected at most {Most} bytes, got {length}; this is no configuration");
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = 32, AllowDuplicateProperties = false });
            return document.RootElement.ValueKind == kind
                ? document.RootElement.Clone()
                : throw new CratonException($"{path}: expected a JSON {(kind == JsonValueKind.Object ? "object" : "list")}, got {document.RootElement.ValueKind}; the file is damaged");
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            throw new CratonException($"{path}: cannot be read as JSON ({e.Message.TrimEnd('.')}); check that the folder is a complete model directory", e);
        }
    }

    /// <summary>Writes an object, with line feeds on every system.</summary>
    public static void Write(DurableDirectory folder, string name, JsonObject content)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(content.ToJsonString(Indented) + "\n");
        folder.Write(name, stream => stream.Write(bytes));
    }
}
