using System.Text.Json.Nodes;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Adapters;

/// <summary>
/// An adapter that changes single layers: LoRA or IA³. It may bring parts of the model with values of its own besides: whole modules
/// (modules_to_save), biases, and the frozen tables that PEFT stores with adapted embeddings.
/// </summary>
public sealed class LayerAdapters : PeftAdapter
{
    private const string Prefix = "base_model.model.", BaseLayer = ".base_layer.";

    private readonly OutputHead? _head;
    private readonly List<LayerAdapter> _adapters = [];
    private readonly List<OwnPart> _parts = [];

    private LayerAdapters(Module model, JsonObject config, AdapterTargets targets, Func<string, Module, LayerAdapter?> create, AdapterBias bias, Func<string, bool> isStored)
        : base(model, config)
    {
        var decoder = model as CausalLanguageModel;
        _head = decoder?.Head;
        // A head that shares the embedding table is a module of its own all the same.
        IEnumerable<(string Path, Module Module)> modules = _head?.Table is null ? model.NamedModules() : [.. model.NamedModules(), (decoder!.HeadName, _head.Layer)];
        var adapted = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string path, Module module) in modules)
        {
            if (!targets.Matches(path, module, _head?.Layer)) continue;
            _adapters.Add(Child(Prefix + path, create(path, module)
                ?? throw new CratonException($"target_modules names '{path}', which is a {module.GetType().Name}; expected a layer with a weight that this kind of adapter can change")));
            adapted.Add(path);
        }
        if (_adapters.Count == 0)
            throw new CratonException($"target_modules names no module of the model; its modules are named like {string.Join(", ", model.NamedModules().Where(m => m.Module is Linear).Select(m => m.Path).Take(3))}");
        foreach ((string name, Tensor tensor) in model.NamedParameters()) AddPart(model, name, name, tensor);
        if (_head?.Table is not null) AddPart(_head.Layer, "weight", decoder!.HeadName + ".weight", _head.Layer.Weight);

        void AddPart(Module owner, string name, string path, Tensor tensor)
        {
            int dot = path.LastIndexOf('.');
            string module = path[..Math.Max(0, dot)], last = path[(dot + 1)..];
            bool isAdapted = adapted.Contains(module), isSaved = targets.IsSaved(module);
            bool isBias = last == "bias" && (bias == AdapterBias.All || (bias == AdapterBias.LoraOnly && isAdapted));
            string stored = Prefix + (isAdapted ? module + BaseLayer + last : path);
            bool isFrozen = !isSaved && !isBias;
            if (isFrozen && !(isAdapted && last == "weight" && isStored(stored))) return;
            _parts.Add(new OwnPart(owner, name, stored, Parameter(stored, tensor.Shape), isFrozen));
        }
    }

    /// <summary>A new LoRA adapter that begins as nothing.</summary>
    /// <param name="model">The model.</param>
    /// <param name="config">The content of its <c>adapter_config.json</c> (<see cref="LoraConfig.ToJson"/>).</param>
    /// <param name="seed">Seed of its first values.</param>
    /// <exception cref="CratonException">A setting means nothing, or is not supported.</exception>
    public static LayerAdapters NewLora(Module model, JsonObject config, ulong seed)
    {
        LayerAdapters adapters = Create(model, config, AdapterDirectory.Reader("lora", config), _ => false);
        foreach (OwnPart part in adapters._parts) part.Own.Assign(part.Model);
        for (int i = 0; i < adapters._adapters.Count; i++) ((Lora)adapters._adapters[i]).Initialize(new CounterRandom(seed, 0, (uint)i));
        return adapters;
    }

    /// <summary>
    /// A new LoRA adapter whose matrices are the sums of those of several, each times the root of its scale and <see cref="Strength"/>: PEFT's
    /// "linear" combination. It is not the sum of their updates, which attaching them all gives.
    /// </summary>
    /// <exception cref="CratonException">They are not LoRA adapters of the same layers and ranks, or have more than matrices.</exception>
    public static LayerAdapters Mix(IReadOnlyList<LayerAdapters> adapters)
    {
        LayerAdapters first = adapters[0];
        LoraConfig shape = LoraConfig.Read(AdapterDirectory.Reader("lora", first.Config));
        if (shape.UseDora || shape.LoraBias || adapters.Any(a => a._parts.Count > 0))
            throw new CratonException("only LoRA adapters of nothing but matrices can be mixed; attach these together instead");
        if (adapters.Any(a => a._adapters.Exists(part => ((Lora)part).Scale < 0)))
            throw new CratonException("adapters can be mixed with strengths of 0 or above; attach these together instead");
        if (adapters.Any(a => !a.NamedParameters().Select(p => $"{p.Name} {p.Tensor}").SequenceEqual(first.NamedParameters().Select(p => $"{p.Name} {p.Tensor}"))))
            throw new CratonException("adapters can be mixed when they change the same layers with the same ranks; attach these together instead");
        var config = (JsonObject)first.Config.DeepClone();
        (config["lora_alpha"], config["use_rslora"], config["alpha_pattern"]) = (shape.Rank, false, config["rank_pattern"]?.DeepClone());
        LayerAdapters mix = Create(first.Model, config, AdapterDirectory.Reader("lora", config), _ => false);
        using TensorScope scope = TensorScope.Open("mix");
        for (int i = 0; i < mix._adapters.Count; i++)
            foreach (Lora part in adapters.Select(a => (Lora)a._adapters[i]))
            {
                var sum = (Lora)mix._adapters[i];
                double root = Math.Sqrt(part.Scale);
                sum.A.Assign(sum.A.Detach() + part.A.Detach() * root);
                sum.B.Assign(sum.B.Detach() + part.B.Detach() * root);
            }
        return mix;
    }

    internal static LayerAdapters Create(Module model, JsonObject config, ConfigReader read, Func<string, bool> isStored)
    {
        if (read.TextOr("", "peft_type") == "IA3")
        {
            var ia3 = new Ia3Config(read);
            return new LayerAdapters(model, config, ia3.Targets, (path, module) => module is Linear linear ? new Ia3(linear, ia3.IsFeedForward(path)) : null, AdapterBias.None, isStored);
        }
        LoraConfig lora = LoraConfig.Read(read);
        return new LayerAdapters(model, config, lora.Targets, (path, module) => module switch
        {
            Linear linear => new LoraLinear(linear, lora.ShapeOf(path)),
            Embedding table => new LoraEmbedding(table, lora.ShapeOf(path)),
            _ => null,
        }, lora.Bias, isStored);
    }

    /// <summary>The adapters of the layers.</summary>
    public IReadOnlyList<LayerAdapter> Adapters => _adapters;

    /// <summary>Factor on all low-rank updates: the adapter's weight among several that are attached.</summary>
    /// <exception cref="CratonException">It is no LoRA adapter.</exception>
    public double Strength
    {
        set
        {
            foreach (LayerAdapter adapter in _adapters)
                (adapter as Lora ?? throw new CratonException("only LoRA adapters can be weighted; attach an IA³ adapter as it is")).Strength = value;
        }
    }

    /// <summary>Says which features the updates leave out from here on.</summary>
    /// <param name="key">Seed and step of the draw; null leaves out none, as when the model is used.</param>
    public void DrawDropout(CounterRandom? key)
    {
        for (int i = 0; i < _adapters.Count; i++)
            if (_adapters[i] is LoraLinear lora) lora.Draw = key is { } k ? new CounterRandom(k.Seed, k.Step, k.Place + (uint)i) : null;
    }

    /// <inheritdoc/>
    public override void Merge()
    {
        Detach();
        if (_head?.Table is { } table && (_adapters.Any(a => a.Layer == table || a.Layer == _head.Layer) || _parts.Any(p => p.Model == table.Weight)))
            throw new CratonException("the adapter changes the embedding table or the output matrix, which are one in this model (tie_word_embeddings), and not both alike; use the adapter without merging it");
        foreach (OwnPart part in _parts) part.Model.Assign(part.Own);
        foreach (LayerAdapter adapter in _adapters) adapter.Merge();
    }

    private protected override void OnAttach()
    {
        foreach (OwnPart part in _parts) part.Replaced = part.Owner.Replace(part.Name, part.Own);
        foreach (LayerAdapter adapter in _adapters) adapter.Attach();
    }

    private protected override void OnDetach()
    {
        foreach (OwnPart part in _parts)
            if (!ReferenceEquals(part.Owner.Replace(part.Name, part.Replaced!), part.Own))
                throw new InvalidOperationException($"two adapters replace '{part.Stored}': detach them in the reverse order");
        foreach (LayerAdapter adapter in _adapters) adapter.Detach();
    }

    internal override bool IsStoredTransposed(string name) =>
        _parts.Find(p => p.Stored == name) is { } part && Model is CausalLanguageModel decoder && decoder.IsStoredTransposed(part.Name);

    internal override bool IsTrained(string name) => _parts.Find(p => p.Stored == name) is not { IsFrozen: true };

    // A parameter of the model that the adapter brings values of its own for.
    private sealed record OwnPart(Module Owner, string Name, string Stored, Tensor Own, bool IsFrozen)
    {
        public Tensor? Replaced { get; set; }

        // What the model holds now.
        public Tensor Model => Owner.NamedParameters().First(p => p.Name == Name).Tensor;
    }
}
