using System.Text.Json.Nodes;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Adapters;

/// <summary>
/// An adapter of a model in the layout of PEFT: a few parameters of its own, under the names of its file, that change what the model computes
/// while the model's weights stay as they are. It works while it is attached. Keys and values that a model has cached belong to the
/// adapters that were attached then.
/// </summary>
public abstract class PeftAdapter : Module
{
    private protected PeftAdapter(Module model, JsonObject config) => (Model, Config) = (model, config);

    /// <summary>The model that it changes.</summary>
    public Module Model { get; }

    /// <summary>The content of <c>adapter_config.json</c>.</summary>
    public JsonObject Config { get; }

    /// <summary>Element type in which the parameters are written: that of the file, F32 for a new adapter.</summary>
    public DType Type { get; internal set; } = DType.F32;

    /// <summary>Whether the model computes with it.</summary>
    public bool IsAttached { get; private set; }

    /// <summary>Makes the model compute with it, after adapters that are attached already.</summary>
    public void Attach()
    {
        if (!IsAttached) OnAttach();
        IsAttached = true;
    }

    /// <summary>Makes the model compute without it.</summary>
    public void Detach()
    {
        if (IsAttached) OnDetach();
        IsAttached = false;
    }

    /// <summary>Detaches it, and changes the model's weights so that the model computes what it computed with it.</summary>
    /// <exception cref="CratonException">Weights cannot express the adapter, or are not kept as floats.</exception>
    public abstract void Merge();

    private protected abstract void OnAttach();

    private protected abstract void OnDetach();

    /// <summary>Whether the file holds this parameter, a matrix, the other way round.</summary>
    internal virtual bool IsStoredTransposed(string name) => false;

    /// <summary>Whether training changes this parameter.</summary>
    internal virtual bool IsTrained(string name) => true;
}
