using System.Runtime.CompilerServices;
using System.Text;
using Craton.Inference.Constraints;
using Craton.Inference.Engine;
using Craton.Models;
using Craton.Models.Adapters;
using Craton.Models.Generation;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Inference;

/// <summary>
/// Answers many requests at once. One thread owns the model and goes from step to step: each is one pass over the next tokens of all
/// requests in progress; requests join and leave between steps. An answer depends on its request alone: its tokens and
/// log-probabilities have the same bits whatever else the engine does, keeps or guesses.
/// </summary>
public sealed class InferenceEngine : IDisposable
{
    private readonly EngineOptions _options;
    private readonly PagePool _pages;
    private readonly Scheduler _scheduler;
    private readonly EngineStep _step;
    private readonly Thread _thread;
    private readonly Lazy<ConstraintVocabulary> _vocabulary;
    private readonly PromptAdapter? _prompt; // that the model computes all requests with; a request's own is attached for the time of its passes
    private readonly Queue<Sequence> _arrived = new(); // also the lock of what follows
    private bool _closing;
    private EngineStatistics _statistics = new();

    /// <summary>Starts an engine.</summary>
    /// <param name="model">The model; its weights must not change while the engine lives.</param>
    /// <param name="options">How much it does at once; defaults when null.</param>
    /// <exception cref="CratonException">An option is out of range.</exception>
    public InferenceEngine(TextModel model, EngineOptions? options = null)
    {
        _options = options ?? new EngineOptions();
        _options.Validate();
        (Model, _prompt) = (model, model.Model.Prompt);
        _vocabulary = new Lazy<ConstraintVocabulary>(() => new ConstraintVocabulary(model.Tokenizer, model.Ends, model.Model.Config.VocabSize));
        _pages = new PagePool(Page.Count(_options.CacheTokens ?? DefaultTokens(model.Model, _options.CacheType), _options.PageSize));
        PagedCache cache = model.Model.NewPagedCache(_pages.Count, _options.PageSize, _options.CacheType);
        _scheduler = new Scheduler(model.Model, _options, _pages);
        _step = new EngineStep(model.Model, cache);
        _thread = new Thread(Loop) { IsBackground = true, Name = "craton-engine" };
        _thread.Start();
    }

    /// <summary>The model.</summary>
    public TextModel Model { get; }

    /// <summary>The model's tokens, for grammars (<see cref="Grammar.Bind"/>).</summary>
    public ConstraintVocabulary Vocabulary => _vocabulary.Value;

    /// <summary>Most tokens of prompt and answer together.</summary>
    public int Context => ContextBehind(_prompt?.Count ?? 0);

    /// <summary>What the engine does now, and has done.</summary>
    public EngineStatistics Statistics
    {
        get
        {
            lock (_arrived) return _statistics with { Waiting = _statistics.Waiting + _arrived.Count };
        }
    }

    /// <summary>Answers a request as the answer grows. It begins when the first update is asked for, and ends when the caller stops asking.</summary>
    /// <param name="request">The request.</param>
    /// <param name="cancel">Ends the answer within a step.</param>
    /// <exception cref="ContextOverflowException">Prompt and answer are too long.</exception>
    /// <exception cref="QueueFullException">Too many requests wait.</exception>
    /// <exception cref="CratonException">An option or a token is out of range, or the model gives scores that are no numbers.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async IAsyncEnumerable<GenerationUpdate> StreamAsync(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        Check(request);
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var sequence = new Sequence(request, Model, VirtualTokens(request), gone.Token);
        Submit(sequence);
        try
        {
            await foreach (GenerationUpdate update in sequence.Updates.ReadAllAsync(cancel).ConfigureAwait(false)) yield return update;
        }
        finally
        {
            await gone.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Answers a request.</summary>
    /// <inheritdoc cref="StreamAsync"/>
    public async Task<GenerationResult> GenerateAsync(GenerationRequest request, CancellationToken cancel = default)
    {
        var text = new StringBuilder();
        List<int> tokens = [];
        List<TokenLogProb> logProbs = [], promptLogProbs = [];
        FinishReason reason = FinishReason.Cancelled;
        await foreach (GenerationUpdate update in StreamAsync(request, cancel).ConfigureAwait(false))
        {
            text.Append(update.Text);
            tokens.AddRange(update.Tokens);
            logProbs.AddRange(update.LogProbs);
            promptLogProbs.AddRange(update.PromptLogProbs);
            reason = update.Finish ?? reason;
        }
        return new GenerationResult(text.ToString(), tokens, reason, logProbs, promptLogProbs);
    }

    /// <summary>Ends all answers and the engine's thread.</summary>
    public void Dispose()
    {
        lock (_arrived)
        {
            _closing = true;
            Monitor.Pulse(_arrived);
        }
        _thread.Join();
    }

    private void Check(GenerationRequest request)
    {
        int virtualTokens = VirtualTokens(request), context = ContextBehind(virtualTokens);
        TextGenerator.CheckRequest(Model.Model, request.Prompt, request.Sampling, Model.Model.Config.MaxPositionEmbeddings - virtualTokens);
        if (request.Prompt.Count + request.Sampling.MaxTokens > context)
            throw new ContextOverflowException(request.Prompt.Count, request.Sampling.MaxTokens, context, "the engine's cache");
        if (request.Adapter is PromptAdapter && _prompt is not null) throw new CratonException("adapter: the model has a tuned prompt already, and a text begins with one alone; start the engine with the model without it");
        if (request.Adapter is { } adapter && adapter.Model != Model.Model) throw new CratonException("adapter: it was loaded for another model; load it for the engine's");
        if (request.Grammar is { } grammar && grammar.Vocabulary.Size > Model.Model.Config.VocabSize)
            throw new CratonException($"grammar: it is for {grammar.Vocabulary.Size} tokens, the model has {Model.Model.Config.VocabSize}; bind it to the model's own tokenizer");
    }

    private int VirtualTokens(GenerationRequest request) => (request.Adapter as PromptAdapter ?? _prompt)?.Count ?? 0;

    private int ContextBehind(int virtualTokens) => Math.Min(Model.Model.Config.MaxPositionEmbeddings, _pages.Count * _options.PageSize) - virtualTokens;

    private void Submit(Sequence sequence)
    {
        lock (_arrived)
        {
            ObjectDisposedException.ThrowIf(_closing, this);
            int waiting = _statistics.Waiting + _arrived.Count;
            if (waiting >= _options.MaxQueue) throw new QueueFullException(waiting);
            _arrived.Enqueue(sequence);
            Monitor.Pulse(_arrived);
        }
    }

    private void Loop()
    {
        while (Receive())
        {
            _scheduler.RemoveWhere(static s => s.IsCancelled, static s => s.Fail(new OperationCanceledException()));
            try
            {
                RunStep();
            }
            catch (Exception e) // whatever it was, the engine goes on for those that wait
            {
                _scheduler.RemoveWhere(static s => s.PageCount > 0, s => s.Fail(e));
            }
        }
        _scheduler.RemoveWhere(static _ => true, static s => s.Fail(new ObjectDisposedException(nameof(InferenceEngine))));
    }

    private void RunStep()
    {
        List<StepPart> plan = _scheduler.Plan();
        if (plan.Count == 0) return;
        _step.Run(plan);
        _scheduler.Settle();
        foreach (StepPart part in plan) part.Sequence.Flush();
    }

    // Takes in what has arrived, and waits when there is nothing to do. False when the engine closes.
    private bool Receive()
    {
        lock (_arrived)
        {
            while (true)
            {
                while (_arrived.TryDequeue(out Sequence? sequence)) _scheduler.Add(sequence);
                _statistics = _scheduler.Count();
                if (_closing || _scheduler.HasWork) return !_closing;
                Monitor.Wait(_arrived);
            }
        }
    }

    private static int DefaultTokens(CausalLanguageModel model, DType type)
    {
        const long Enough = 32768;
        long context = model.Config.MaxPositionEmbeddings, bytes = 2L * type.Size() * model.Config.NumHiddenLayers * model.Config.NumKeyValueHeads * model.Config.HeadDim;
        long fits = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4 / bytes;
        return (int)Math.Max(1, Math.Min(fits, Math.Max(context, Math.Min(8 * context, Enough))));
    }
}
