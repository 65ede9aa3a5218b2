using System.Runtime.InteropServices;
using System.Threading.Channels;
using Craton.Inference.Constraints;
using Craton.Models;
using Craton.Models.Adapters;
using Craton.Models.Generation;
using Craton.Tensors;

namespace Craton.Inference.Engine;

/// <summary>
/// One request on its way: its tokens so far, how many of them the model has read, and the pages that hold those. All of it belongs to the
/// engine's thread; only <see cref="Updates"/> is read by others.
/// </summary>
internal sealed class Sequence
{
    private readonly SamplingOptions _options;
    private readonly int _vocabulary;
    private readonly AnswerText _answer;
    private readonly TokenGrammar? _grammar;
    private readonly HashSet<int> _ends;
    private readonly List<int> _places; // the virtual tokens of a tuned prompt, then the text's
    private readonly List<int> _tokens;
    private readonly int _virtual;
    private readonly CancellationToken _cancel;
    private readonly Channel<GenerationUpdate> _updates = Channel.CreateUnbounded<GenerationUpdate>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    // Made when its turn comes: many that wait cost little.
    private Sampler? _sampler;
    private TokenConstraint? _constraint;
    private uint[] _allowed = [];

    // What the next update tells.
    private string _text = "";
    private List<int> _newTokens = [];
    private List<TokenLogProb> _newLogProbs = [], _promptLogProbs = [];
    private int _promptScored;
    private int[] _guess = [];
    private int _guessStart = int.MaxValue;
    private FinishReason? _finish;
    private bool _failed;

    public Sequence(GenerationRequest request, TextModel model, int virtualTokens, CancellationToken cancel)
    {
        (_options, _grammar, _cancel, _vocabulary) = (request.Sampling, request.Grammar, cancel, model.Model.Config.VocabSize);
        _tokens = [.. request.Prompt];
        _places = [.. Enumerable.Repeat(0, virtualTokens), .. request.Prompt];
        _virtual = virtualTokens;
        PromptLength = _tokens.Count;
        _answer = new AnswerText(model.Tokenizer, _options.Stop, piece => _text += piece);
        _ends = [.. model.Ends, .. request.Ends];
        if (_options.Echo) _promptLogProbs.Add(new TokenLogProb(_tokens[_promptScored++], double.NaN, []));
        (Salt, Adapter) = (request.CacheSalt, request.Adapter);
    }

    /// <summary>Makes what answering needs, the first time that the sequence is admitted. False when that fails.</summary>
    public bool TryBegin(EngineOptions engine)
    {
        if (_sampler is not null) return true;
        try
        {
            if (Adapter is { IsAttached: true }) throw new CratonException("adapter: it is attached to the model, so that all requests are computed with it; detach it, or leave it out of the request");
            _sampler = new Sampler(_options, _vocabulary, _tokens, _ends);
            _constraint = _grammar?.Start();
            if (_constraint is not null) _allowed = new uint[(_vocabulary + 31) / 32];
            Pages = new int[Page.Count(_virtual + MostTokens, engine.PageSize)];
            Draft = engine.Drafter?.Begin(MostTokens);
            return true;
        }
        catch (Exception e) // no memory for a draft model's cache, perhaps
        {
            Fail(e);
            return false;
        }
    }

    public ChannelReader<GenerationUpdate> Updates => _updates.Reader;

    /// <summary>Prompt and answer so far.</summary>
    public ReadOnlySpan<int> Tokens => CollectionsMarshal.AsSpan(_tokens);

    /// <summary>What the model reads: the same behind the virtual tokens, which are zeros here.</summary>
    public ReadOnlySpan<int> Places => CollectionsMarshal.AsSpan(_places);

    /// <summary>How many tokens prompt and answer may have together.</summary>
    public int MostTokens => PromptLength + _options.MaxTokens;

    public int PromptLength { get; }

    public string Salt { get; }

    public PeftAdapter? Adapter { get; }

    /// <summary>The pages of its tokens: the first <see cref="PageCount"/> are taken.</summary>
    public int[] Pages { get; private set; } = [];

    public int PageCount { get; set; }

    /// <summary>Names of its full pages, one after the other.</summary>
    public List<UInt128> Names { get; } = [];

    /// <summary>How its positions turn.</summary>
    public int Epoch { get; set; }

    /// <summary>Places whose keys and values are on the pages.</summary>
    public int Computed { get; set; }

    /// <summary>Places of the prompt that were found on pages.</summary>
    public int? Cached { get; set; }

    /// <summary>Guesses what follows; null when nobody does.</summary>
    public IDraft? Draft { get; private set; }

    /// <summary>The guess that is read in this step, behind the tokens.</summary>
    public int[] Guess
    {
        get => _guess;
        set => (_guess, _guessStart) = (value, value.Length == 0 ? int.MaxValue : _places.Count);
    }

    /// <summary>True while more than the last token is to be read.</summary>
    public bool IsReading => Computed < _places.Count - 1;

    public bool IsFinished { get; private set; }

    public bool IsCancelled => _cancel.IsCancellationRequested;

    /// <summary>The prompt's own scores are wanted, and not yet all there.</summary>
    public bool ScoresPrompt => _options.Echo && _promptScored < PromptLength;

    /// <summary>How many tokens may still follow the next one.</summary>
    public int TokensToGuess => MostTokens - _tokens.Count - 1;

    /// <summary>The token that this step reads at a place, of the text or the guess.</summary>
    public int TokenAt(int place) => place < _guessStart ? _places[place] : _guess[place - _guessStart];

    /// <summary>Whether the scores behind the token at a place are of use.</summary>
    public bool WantsScores(int place) => place >= _places.Count - 1 || (ScoresPrompt && place >= _virtual && place - _virtual + 1 < PromptLength);

    /// <summary>Takes the scores behind the token at a place; in the order of places.</summary>
    public void Take(int place, ReadOnlySpan<float> logits)
    {
        if (IsFinished) return;
        if (place - _virtual + 1 < PromptLength) ScorePrompt(place - _virtual + 1, logits);
        else if (place == _places.Count - 1 && TokenAt(place) == _places[place]) Choose(logits); // otherwise the guess was wrong
    }

    /// <summary>Ends with an error.</summary>
    public void Fail(Exception error)
    {
        (IsFinished, _failed) = (true, true);
        _updates.Writer.TryComplete(error);
    }

    /// <summary>Tells the reader what is new.</summary>
    public void Flush()
    {
        if (_failed || (_newTokens.Count == 0 && _text.Length == 0 && _finish is null)) return;
        _updates.Writer.TryWrite(new GenerationUpdate(_text, _newTokens)
        {
            LogProbs = _newLogProbs,
            PromptLogProbs = _promptLogProbs,
            Finish = _finish,
            Usage = new GenerationUsage(PromptLength, Math.Max(0, (Cached ?? 0) - _virtual), _answer.Tokens.Count),
        });
        (_text, _newTokens, _newLogProbs, _promptLogProbs) = ("", [], [], []);
        if (IsFinished) _updates.Writer.TryComplete();
    }

    private void ScorePrompt(int place, ReadOnlySpan<float> logits)
    {
        if (place < _promptScored) return; // read again after a pause
        _promptLogProbs.Add(TokenLogProb.Of(logits, _tokens[place], _options.LogProbs ?? 0));
        _promptScored = place + 1;
    }

    private void Choose(ReadOnlySpan<float> logits)
    {
        if (_options.MaxTokens == 0)
        {
            Finish(FinishReason.Length);
            return;
        }
        _constraint?.Allowed(_allowed);
        int token = _sampler!.Next(logits, _allowed);
        if (_ends.Contains(token))
        {
            Finish(FinishReason.Stop);
            return;
        }
        _constraint?.Accept(token);
        _tokens.Add(token);
        _places.Add(token);
        _newTokens.Add(token);
        if (_options.LogProbs is { } best) _newLogProbs.Add(TokenLogProb.Of(logits, token, best));
        if (_answer.Add(token) || _constraint is { IsFinished: true }) Finish(FinishReason.Stop);
        else if (_answer.Tokens.Count == _options.MaxTokens) Finish(FinishReason.Length);
    }

    private void Finish(FinishReason reason)
    {
        (IsFinished, _finish) = (true, reason);
        _answer.End();
    }
}
