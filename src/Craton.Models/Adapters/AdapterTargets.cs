using System.Globalization;
using System.Text.RegularExpressions;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Adapters;

/// <summary>Which modules of a model an adapter is for, and of which it brings copies, by the rules of PEFT.</summary>
internal sealed class AdapterTargets
{
    /// <summary>Stands for all linear layers but the output.</summary>
    public const string AllLinear = "all-linear";

    // A pattern that takes longer for one name was made to.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly string _file;
    private readonly string[] _ends = [], _excludedEnds = [], _saved;
    private readonly Regex? _pattern, _excluded;
    private readonly bool _allLinear;
    private readonly int[]? _layers;
    private readonly Regex[] _layerPatterns;

    /// <summary>Reads the rules.</summary>
    /// <exception cref="CratonException">They are of the wrong type, or no pattern.</exception>
    public AdapterTargets(ConfigReader read)
    {
        _file = read.File;
        string[] targets = read.TextOrTexts("target_modules") ?? throw new CratonException($"{_file}: target_modules: expected names of modules or a pattern, got nothing");
        string[] excluded = read.TextOrTexts("exclude_modules") ?? [];
        _allLinear = read.IsText("target_modules") && targets[0].Equals(AllLinear, StringComparison.OrdinalIgnoreCase);
        bool isPattern = read.IsText("target_modules") && !_allLinear;
        if (isPattern) _pattern = Whole(_file, targets[0]);
        else _ends = targets;
        if (read.IsText("exclude_modules")) _excluded = Whole(_file, excluded[0]);
        else _excludedEnds = excluded;
        _saved = read.Texts("modules_to_save") ?? [];
        _layers = read.IsList("layers_to_transform") ? read.Ints("layers_to_transform") : read.Has("layers_to_transform") ? [read.Int("layers_to_transform")] : null;
        if (_layers is []) _layers = null;
        if (isPattern && _layers is not null) throw new CratonException($"{_file}: layers_to_transform: expected names of modules in target_modules beside it, got a pattern; let the pattern name the layers");
        string[] patterns = read.TextOrTexts("layers_pattern") is { Length: > 0 } given ? given : ["[^.]*"];
        _layerPatterns = [.. patterns.Select(pattern => Compile(_file, $@"\A.*\.{pattern}\.(\d+)\."))];
    }

    /// <summary>Whether a module, or one above it, comes as a copy of its own.</summary>
    public bool IsSaved(string path)
    {
        for (int end = path.Length; end > 0; end = path.LastIndexOf('.', end - 1))
            if (Array.Exists(_saved, name => path.AsSpan(0, end).EndsWith(name, StringComparison.Ordinal)))
                return true;
        return false;
    }

    /// <summary>Whether the adapter is for a module.</summary>
    /// <param name="path">Its dotted path.</param>
    /// <param name="module">The module.</param>
    /// <param name="head">The layer of the output, which "all-linear" leaves out; or null.</param>
    public bool Matches(string path, Module module, Module? head)
    {
        if (IsSaved(path) || EndsWithAny(path, _excludedEnds) || (_excluded is not null && IsMatch(_excluded, path))) return false;
        if (_allLinear) return module is Linear && !ReferenceEquals(module, head);
        if (_pattern is not null) return IsMatch(_pattern, path);
        return _ends.Contains(path) || (EndsWithAny(path, _ends) && InLayers(path));
    }

    /// <summary>The first of several patterns that a path ends with, as PEFT's rank_pattern and alpha_pattern are matched.</summary>
    public static double Choose(string file, IEnumerable<(string Name, double Value)> patterns, string path, double otherwise)
    {
        foreach ((string name, double value) in patterns)
            if (Match(file, Compile(file, $@"\A(.*\.)?({name})\z"), path).Success) return value;
        return otherwise;
    }

    /// <summary>Whether a pattern matches a whole path.</summary>
    public static bool IsWhole(string file, string pattern, string path) => Match(file, Whole(file, pattern), path).Success;

    private bool InLayers(string path)
    {
        if (_layers is null) return true;
        Match? match = _layerPatterns.Select(pattern => Match(_file, pattern, path)).FirstOrDefault(m => m.Success);
        return match is not null && int.TryParse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out int layer) && _layers.Contains(layer);
    }

    private static bool EndsWithAny(string path, string[] ends) =>
        Array.Exists(ends, end => path == end || (path.EndsWith(end, StringComparison.Ordinal) && path.Length > end.Length && path[path.Length - end.Length - 1] == '.'));

    private static Regex Whole(string file, string pattern) => Compile(file, $@"\A(?:{pattern})\z");

    private bool IsMatch(Regex pattern, string path) => Match(_file, pattern, path).Success;

    private static Regex Compile(string file, string pattern)
    {
        try
        {
            return new Regex(pattern, RegexOptions.CultureInvariant, Patience);
        }
        catch (ArgumentException e)
        {
            throw new CratonException($"{file}: '{pattern}' is no pattern ({e.Message.TrimEnd('.')})", e);
        }
    }

    private static Match Match(string file, Regex pattern, string path)
    {
        try
        {
            return pattern.Match(path);
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new CratonException($"{file}: matching '{pattern}' with '{path}' takes too long; use a simpler pattern", e);
        }
    }
}
