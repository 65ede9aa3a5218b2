using System.Globalization;

namespace Craton.Models.Gguf;

/// <summary>What a GGUF file changes about a tensor of the Hugging Face layout.</summary>
internal enum GgufTransform
{
    /// <summary>Nothing.</summary>
    None,
    /// <summary>Rows of each query head are in the order 0, d/2, 1, d/2 + 1, …</summary>
    QueryHeads,
    /// <summary>The same for key heads.</summary>
    KeyHeads,
    /// <summary>All queries, all keys, all values there; query heads with their key and value here, group after group.</summary>
    GroupedQkv,
    /// <summary>One tensor with the matrices of all experts there.</summary>
    Experts,
    /// <summary>[in, out] there, [out, in] here.</summary>
    Transposed,
    /// <summary>1 is added.</summary>
    PlusOne,
}

/// <summary>One tensor under both names; <c>{}</c> stands for the number of a layer, and a second one for that of an expert.</summary>
internal readonly record struct GgufName(string Gguf, string HuggingFace, GgufTransform Transform = GgufTransform.None);

/// <summary>
/// How an architecture of GGUF corresponds to a family of Hugging Face: names of tensors and of settings. Pure data, taken from what the converters
/// of llama.cpp write. A new architecture is one more row in <see cref="All"/>.
/// </summary>
/// <param name="Name">The architecture's name in the file.</param>
/// <param name="ModelType">The family's <c>model_type</c>.</param>
/// <param name="ClassName">The family's class.</param>
/// <param name="Settings">Keys of the metadata (without the architecture) and of <c>config.json</c>.</param>
/// <param name="Fixed">Settings that the file does not say, as JSON.</param>
/// <param name="Names">All tensors that a file may have.</param>
internal sealed partial record GgufArchitecture(
    string Name, string ModelType, string ClassName, (string Gguf, string HuggingFace)[] Settings, (string Key, string Json)[] Fixed, GgufName[] Names)
{
    /// <summary>A tensor that tells this row from another one of the same architecture, which follows it; null for none.</summary>
    public string? Marker { get; init; }

    /// <summary>The row for a file.</summary>
    /// <param name="name">The architecture that it names.</param>
    /// <param name="contains">Whether it has a tensor.</param>
    public static GgufArchitecture? Of(string name, Func<string, bool> contains) => Array.Find(All, a => a.Name == name && (a.Marker is null || contains(a.Marker)));

    /// <summary>The row for a model of Hugging Face: the one that has names for all of its tensors, or else the last of its family.</summary>
    public static GgufArchitecture? For(string modelType, IEnumerable<string> tensors)
    {
        GgufArchitecture[] rows = Array.FindAll(All, a => a.ModelType == modelType || (a is { Name: "llama", Marker: null } && modelType == "mistral"));
        return Array.Find(rows, a => tensors.All(name => a.FindHuggingFace(name) is not null)) ?? rows.LastOrDefault();
    }

    /// <summary>The name and the change of a tensor of the file; null when the architecture has no such tensor. Those of experts keep their <c>{}</c>.</summary>
    public GgufName? Find(string gguf)
    {
        foreach (GgufName name in Names)
            if (Numbers(name.Gguf, gguf) is { } numbers) return name with { Gguf = gguf, HuggingFace = Filled(name.HuggingFace, numbers) };
        return null;
    }

    /// <summary>
    /// The name and the change of a tensor of a Hugging Face model; null when the architecture has no such tensor. The family's prefix may be
    /// left out.
    /// </summary>
    public GgufName? FindHuggingFace(string huggingFace)
    {
        foreach (GgufName name in Names)
        {
            int prefix = name.HuggingFace.IndexOf('.', StringComparison.Ordinal) + 1;
            if ((Numbers(name.HuggingFace, huggingFace) ?? Numbers(name.HuggingFace[prefix..], huggingFace)) is { } numbers)
                return name with { HuggingFace = huggingFace, Gguf = Filled(name.Gguf, numbers) };
        }
        return null;
    }

    // The numbers in the places of {}; null where the name is not of the pattern.
    private static List<string>? Numbers(string pattern, string name)
    {
        string[] parts = pattern.Split('.'), given = name.Split('.');
        if (parts.Length != given.Length) return null;
        var numbers = new List<string>();
        for (int i = 0; i < parts.Length; i++)
        {
            if (parts[i] != "{}")
            {
                if (parts[i] != given[i]) return null;
                continue;
            }
            if (!int.TryParse(given[i], NumberStyles.None, CultureInfo.InvariantCulture, out int number)) return null;
            numbers.Add(number.ToString(CultureInfo.InvariantCulture));
        }
        return numbers;
    }

    /// <summary>A pattern with numbers for its first <c>{}</c>.</summary>
    public static string Filled(string pattern, IEnumerable<string> numbers)
    {
        foreach (string number in numbers)
        {
            int at = pattern.IndexOf("{}", StringComparison.Ordinal);
            if (at >= 0) pattern = $"{pattern[..at]}{number}{pattern[(at + 2)..]}";
        }
        return pattern;
    }
}
