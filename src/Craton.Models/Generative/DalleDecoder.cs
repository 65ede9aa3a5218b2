using System.Text.Json.Nodes;
using Craton.Data;
using Craton.Models.Generation;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Generative;

// B rows, L tokens of a caption, S² places of a picture, C width, V token ids.

/// <summary>Which of the two a row begins with: the other one is what the model says of it.</summary>
public enum DalleOrder
{
    /// <summary>The caption; the model draws.</summary>
    CaptionFirst,
    /// <summary>The picture; the model reads.</summary>
    PictureFirst,
}

/// <summary>The shape of a <see cref="DalleDecoder"/>.</summary>
/// <param name="Decoder">The transformer; its last token ids are the codes.</param>
/// <param name="CaptionTokens">Tokens of every caption, with its begin and what fills it up.</param>
/// <param name="Side">Places of a side of a picture.</param>
/// <param name="Levels">Codes of a place.</param>
/// <param name="TextTokens">Number of ids that are no codes: those of the tokenizer.</param>
/// <param name="EndToken">Id that follows a caption and fills it up.</param>
/// <param name="PictureToken">Id that begins a picture.</param>
public sealed record DalleConfig(GptConfig Decoder, int CaptionTokens, int Side, int Levels, int TextTokens, int EndToken, int PictureToken)
{
    private const int MostSide = 128, MostLevels = 16, MostCaption = 1024;

    /// <summary>Takes over what a <c>config.json</c> says.</summary>
    internal DalleConfig(ConfigReader read) : this(
        new GptConfig(read.Object("decoder") ?? throw new CratonException($"{read.File}: decoder: expected an object, got nothing")),
        read.Int("caption_tokens"), read.Int("side"), read.Int("levels"), read.Int("text_tokens"), read.Int("end_token"), read.Int("picture_token"))
    { }

    /// <summary>Number of codes of a level.</summary>
    public int Codes => Decoder.VocabSize - TextTokens;

    /// <summary>Places of a picture.</summary>
    public int Places => Side * Side;

    internal JsonObject ToJson() => new()
    {
        ["decoder"] = Decoder.ToJson(),
        ["caption_tokens"] = CaptionTokens,
        ["side"] = Side,
        ["levels"] = Levels,
        ["text_tokens"] = TextTokens,
        ["end_token"] = EndToken,
        ["picture_token"] = PictureToken,
    };

    internal void Validate()
    {
        if (Side is < 1 or > MostSide) throw new CratonException($"[dalle] side: expected 1 to {MostSide} places, got {Side}");
        if (Levels is < 1 or > MostLevels) throw new CratonException($"[dalle] levels: expected 1 to {MostLevels}, got {Levels}");
        if (CaptionTokens is < 2 or > MostCaption) throw new CratonException($"[dalle] caption_tokens: expected 2 to {MostCaption}, got {CaptionTokens}");
        if (TextTokens < 2 || Codes < 2) throw new CratonException($"[dalle] text_tokens: expected 2 to {Decoder.VocabSize - 2} of the {Decoder.VocabSize} ids, got {TextTokens}");
        foreach (int id in (ReadOnlySpan<int>)[EndToken, PictureToken])
            if (id < 0 || id >= TextTokens) throw new CratonException($"[dalle] end_token and picture_token: expected ids of the {TextTokens} of text, got {id}");
        int length = CaptionTokens + Places + 1;
        if (Decoder.MaxPositionEmbeddings < length) throw new CratonException($"[dalle] decoder: expected a context of at least {length}, the tokens of a caption and its picture, got {Decoder.MaxPositionEmbeddings}");
    }
}

/// <summary>
/// One transformer over the tokens of a caption and the codes of its picture: A. Ramesh et al., "Zero-Shot Text-to-Image Generation", 2021. A place
/// also has a vector of its row and one of its column. Where a place has codes of several levels, the transformer reads the sum of their vectors and
/// scores the first level's; a <see cref="DalleDetail"/> scores each of the others. Some rows have the picture first, so that the same weights tell how well a caption fits a
/// picture. Of a row's two parts the first is given: the model is not asked which captions there are.
/// </summary>
public sealed class DalleDecoder : Module
{
    private const int Ignore = -100;
    private static readonly uint s_parts = CounterRandom.PlaceOf("dalle.parts");

    private readonly Gpt _transformer;
    private readonly Embedding _rows, _columns; // vector 0 is that of text
    private readonly DalleDetail[] _details; // of the levels behind the first

    /// <summary>Creates the model with zeroed weights.</summary>
    /// <exception cref="CratonException">The sizes do not fit each other.</exception>
    public DalleDecoder(DalleConfig config)
    {
        config.Validate();
        Config = config;
        _transformer = Child("transformer", new Gpt(config.Decoder));
        _rows = Child("rows", new Embedding(config.Side + 1, config.Decoder.HiddenSize));
        _columns = Child("columns", new Embedding(config.Side + 1, config.Decoder.HiddenSize));
        _details = Children("details", config.Levels - 1, _ => new DalleDetail(config.Decoder));
    }

    /// <summary>Its shape.</summary>
    public DalleConfig Config { get; }

    /// <summary>First weights, normal.</summary>
    public DalleDecoder Initialize(ulong seed)
    {
        _transformer.Initialize(seed);
        uint index = 0;
        foreach ((_, Tensor weight) in ((IEnumerable<Module>)[_rows, _columns, .. _details]).SelectMany(part => part.NamedParameters()))
            if (weight.Rank == 2) Init.Normal(weight, Config.Decoder.InitializerRange, StableHash.Combine(seed, s_parts), index++);
        return this;
    }

    /// <summary>Captions and pictures as rows.</summary>
    /// <param name="captions">Token ids, <see cref="DalleConfig.CaptionTokens"/> each.</param>
    /// <param name="codes">Codes of the pictures, row by row, those of a place beside each other.</param>
    /// <param name="order">Which come first.</param>
    /// <returns>Ids, I32 [levels, B, L + 1 + S²]: behind the first level 0 where there is no code.</returns>
    public Tensor Rows(IReadOnlyList<int[]> captions, IReadOnlyList<int[]> codes, DalleOrder order)
    {
        int length = Config.CaptionTokens + 1 + Config.Places, places = order == DalleOrder.CaptionFirst ? Config.CaptionTokens + 1 : 1;
        Tensor rows = Tensor.Zeros(DType.I32, Config.Levels, captions.Count, length);
        Span<int> all = rows.AsSpan<int>();
        for (int i = 0; i < captions.Count; i++)
        {
            captions[i].CopyTo(all[(i * length + (order == DalleOrder.CaptionFirst ? 0 : Config.Places + 1))..]);
            all[i * length + places - 1] = Config.PictureToken;
            for (int at = 0; at < Config.Places * Config.Levels; at++)
                all[(at % Config.Levels * captions.Count + i) * length + places + at / Config.Levels] = Config.TextTokens + codes[i][at];
        }
        return rows;
    }

    /// <summary>The sum of −log p, in nats, of each row's second part given its first, or that of every token.</summary>
    /// <param name="rows">Of <see cref="Rows"/>.</param>
    /// <param name="order">That of the rows.</param>
    /// <param name="reduction">The sum over all tokens, or none.</param>
    /// <returns>The loss, and how many tokens or places count.</returns>
    public (Tensor Loss, int Targets) Loss(Tensor rows, DalleOrder order, Reduction reduction = Reduction.Sum)
    {
        int last = rows.Size(2) - 1, second = order == DalleOrder.CaptionFirst ? Config.CaptionTokens : Config.Places + 1;
        Tensor hidden = Hidden(Ops.Contiguous(rows.Slice(2, 0, last)), 0, order).Slice(1, second, last);
        Tensor targets = Ops.Copy(rows.Slice(2, second + 1, last + 1)), state = Ops.Contiguous(hidden).View(-1, hidden.Size(-1));
        var options = CrossEntropyOptions.Default with { Reduction = reduction };
        if (order == DalleOrder.PictureFirst)
        {
            Tensor words = Ops.Select(targets, 0, 0);
            int counted = IgnoreFilling(words);
            return (_transformer.Head.Loss(state, words.View(-1), options), counted);
        }
        Tensor loss = _transformer.Head.Loss(state, Ops.Select(targets, 0, 0).View(-1), options);
        for (int level = 1; level < Config.Levels; level++)
        {
            state = _details[level - 1].Forward(state, Ops.Select(targets, 0, level - 1).View(-1));
            loss += _details[level - 1].Loss(state, Ops.Select(targets, 0, level).View(-1), options);
        }
        return (loss, state.Size(0));
    }

    /// <summary>log p, in nats, of each row's second part given its first.</summary>
    /// <param name="captions">Token ids.</param>
    /// <param name="codes">Codes of the pictures.</param>
    /// <param name="order">What is given.</param>
    public float[] LogLikelihood(IReadOnlyList<int[]> captions, IReadOnlyList<int[]> codes, DalleOrder order)
    {
        using var scope = TensorScope.Open("likelihood");
        (Tensor losses, _) = Loss(Rows(captions, codes, order), order, Reduction.None);
        return Ops.Sum(-losses.View(captions.Count, -1), [1]).ToArray<float>();
    }

    /// <summary>Draws the codes of a picture for each caption. What is drawn depends on caption, seed and options alone.</summary>
    /// <param name="captions">Token ids.</param>
    /// <param name="seeds">A seed for each.</param>
    /// <param name="options">How codes are chosen; its own seed does not count.</param>
    public int[][] Draw(IReadOnlyList<int[]> captions, IReadOnlyList<ulong> seeds, SamplingOptions options)
    {
        Sampler[] samplers = [.. seeds.Select(seed => new Sampler(options with { Seed = seed }, Config.Codes, []))];
        int[][] codes = [.. captions.Select(_ => new int[Config.Places * Config.Levels])];
        int count = captions.Count, begin = Config.CaptionTokens + 1;
        KvCache cache = _transformer.NewCache(count, Config.CaptionTokens + Config.Places);
        Tensor rows = Rows(captions, codes, DalleOrder.CaptionFirst); // in which the codes are filled in
        for (int place = 0; place < Config.Places; place++)
            using (TensorScope.Open("place"))
            {
                int at = begin + place;
                Tensor hidden = Hidden(Ops.Contiguous(rows.Slice(2, cache.Length, at)), cache.Length, DalleOrder.CaptionFirst, cache);
                Tensor state = Ops.Contiguous(hidden.Slice(1, hidden.Size(1) - 1)).View(count, -1);
                for (int level = 0; level < Config.Levels; level++)
                {
                    if (level > 0) state = _details[level - 1].Forward(state, Ops.Contiguous(rows.Slice(2, at, at + 1).Slice(0, level - 1, level)).View(-1));
                    Tensor logits = level == 0 ? _transformer.Logits(state) : _details[level - 1].Logits(state); // [B, V]
                    for (int i = 0; i < count; i++)
                    {
                        int code = samplers[i].Next(logits.AsSpan<float>().Slice(i * logits.Size(-1) + Config.TextTokens, Config.Codes));
                        codes[i][place * Config.Levels + level] = code;
                        rows.AsSpan<int>()[(level * count + i) * rows.Size(2) + at] = Config.TextTokens + code;
                    }
                }
            }
        return codes;
    }

    // [levels, B, T] → [B, T, C]
    private Tensor Hidden(Tensor ids, int start, DalleOrder order, KvCache? cache = null)
    {
        int begin = order == DalleOrder.CaptionFirst ? Config.CaptionTokens : 0, count = ids.Size(2); // where the token that begins the picture stands
        int[] rows = new int[count], columns = new int[count];
        for (int i = 0; i < count; i++)
            if (start + i - begin - 1 is var place && place >= 0 && place < Config.Places)
                (rows[i], columns[i]) = (1 + place / Config.Side, 1 + place % Config.Side);
        return _transformer.Hidden(Ops.Select(ids, 0, 0), Placed, cache: cache);

        Tensor Placed(Tensor x)
        {
            x += _rows.Forward(Tensor.From(rows, count)) + _columns.Forward(Tensor.From(columns, count));
            for (int level = 1; level < Config.Levels; level++) x += _details[level - 1].Read(Ops.Select(ids, 0, level));
            return x;
        }
    }

    // Behind a caption's end it is filled up, which is nothing to learn.
    private int IgnoreFilling(Tensor targets)
    {
        Span<int> all = targets.AsSpan<int>();
        int length = targets.Size(1), counted = all.Length;
        for (int i = 1; i < all.Length; i++)
            if (i % length != 0 && (all[i - 1] == Ignore || all[i - 1] == Config.EndToken))
            {
                all[i] = Ignore;
                counted--;
            }
        return counted;
    }
}
