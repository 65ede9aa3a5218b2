using System.Text.Json.Nodes;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Adapters;

/// <summary>
/// Virtual tokens before every text: vectors in the place of token embeddings (prompt tuning; p-tuning, whose encoder is needed in training
/// only), or keys and values in every layer (prefix tuning). They take the first positions.
/// </summary>
public sealed class PromptAdapter : PeftAdapter
{
    // How the vectors began, or were made in training: the file holds what came out.
    private static readonly string[] Known =
    [
        "auto_mapping", "base_model_name_or_path", "encoder_dropout", "encoder_hidden_size", "encoder_num_layers", "encoder_reparameterization_type", "inference_mode",
        "num_attention_heads", "num_layers", "num_transformer_submodules", "num_virtual_tokens", "peft_type", "peft_version", "prefix_projection",
        "prompt_tuning_init", "prompt_tuning_init_text", "revision", "runtime_config", "task_type", "token_dim", "tokenizer_kwargs", "tokenizer_name_or_path",
    ];

    private readonly CausalLanguageModel _model;
    private readonly Embedding _table;
    private readonly Tensor? _vectors; // [Count, width]; null where there are keys and values

    internal PromptAdapter(CausalLanguageModel model, JsonObject config, ConfigReader read) : base(model, config)
    {
        read.RefuseOthers(Known);
        read.Refuse(read.IntOr(1, "num_transformer_submodules") != 1, "num_transformer_submodules", "there is no encoder beside the decoder");
        DecoderConfig shape = model.Config;
        Count = read.Int("num_virtual_tokens");
        if (Count < 1 || Count >= shape.MaxPositionEmbeddings)
            throw new CratonException($"num_virtual_tokens is {Count}, expected 1 to {shape.MaxPositionEmbeddings - 1}, so that a text fits behind them into the model's context");
        _model = model;
        _table = (Embedding)model.NamedModules().First(m => m.Module is Embedding table && table.Weight.Size(0) == shape.VocabSize).Module;
        if (read.TextOr("", "peft_type") == "PREFIX_TUNING")
        {
            int layers = shape.NumHiddenLayers;
            Tensor values = Parameter("prompt_embeddings", Count, 2 * layers * shape.NumKeyValueHeads * shape.HeadDim);
            Prefix = new KeyValuePrefix(values, layers);
        }
        else
        {
            _vectors = Parameter("prompt_embeddings", Count, _table.Weight.Size(1));
        }
    }

    /// <summary>Number of virtual tokens.</summary>
    public int Count { get; }

    /// <summary>The keys and values of prefix tuning; null for vectors.</summary>
    internal KeyValuePrefix? Prefix { get; }

    /// <inheritdoc/>
    public override void Merge() => throw new CratonException("virtual tokens cannot be merged into weights; use the adapter without merging it");

    /// <summary>What the model is given instead of ids [B, T]: places for the vectors before them, and everything else moved by as much.</summary>
    /// <param name="ids">The ids.</param>
    /// <param name="input">What is said of them.</param>
    /// <param name="begins">Whether the text begins with them; otherwise the virtual tokens are in the cache.</param>
    internal (Tensor Ids, DecoderInput Input) Precede(Tensor ids, DecoderInput input, bool begins)
    {
        if (input.Documents is not null) throw new CratonException("rows of several texts cannot have virtual tokens before each; give one text per row");
        int added = begins && _vectors is not null ? Count : 0;
        var moved = new DecoderInput(
            Positions: input.Positions is { } positions ? Positions(positions, added) : null,
            KeyPadding: input.KeyPadding is { } padding ? Widened(padding, Count, _ => true) : null,
            Length: input.Length > 0 ? input.Length + Count : 0);
        return (added == 0 ? ids : Widened(ids, added, _ => 0), moved);
    }

    /// <summary>The input of the first block.</summary>
    /// <param name="ids">The ids, with any in the place of virtual tokens.</param>
    /// <param name="pass">The call.</param>
    /// <param name="positions">Positions in their texts, I32 [1, T], of the rows of several texts that follow each other; null where each row begins with the virtual tokens.</param>
    internal Tensor Embed(Tensor ids, in DecoderPass pass, Tensor? positions = null)
    {
        if (_vectors is null) return _model.Embed(ids, pass);
        var vectors = new PromptVectors(_vectors, positions);
        _table.Attach(vectors);
        try
        {
            return _model.Embed(ids, pass);
        }
        finally
        {
            _table.Detach(vectors);
        }
    }

    private protected override void OnAttach()
    {
        if (_model.Prompt is not null) throw new CratonException("the model has virtual tokens already; detach the adapter that brings them first");
        _model.Prompt = this;
    }

    private protected override void OnDetach() => _model.Prompt = null;

    private Tensor Positions(Tensor positions, int added)
    {
        Tensor moved = Widened(positions, added, i => i - Count);
        foreach (ref int position in moved.AsSpan<int>()) position += Count;
        return moved;
    }

    // Rows [.., T] as [.., added + T].
    private static Tensor Widened<T>(Tensor x, int added, Func<int, T> value) where T : unmanaged
    {
        int length = x.Size(-1);
        T[] from = x.ToArray<T>(), to = new T[from.Length / length * (added + length)];
        for (int row = 0; row * length < from.Length; row++)
        {
            Span<T> places = to.AsSpan(row * (added + length), added + length);
            for (int i = 0; i < added; i++) places[i] = value(i);
            from.AsSpan(row * length, length).CopyTo(places[added..]);
        }
        return Tensor.From(to, x.Rank == 1 ? [added + length] : [x.Size(0), added + length]);
    }
}
