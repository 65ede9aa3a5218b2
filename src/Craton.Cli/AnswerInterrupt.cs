using System.Runtime.InteropServices;

namespace Craton.Cli;

/// <summary>
/// Ctrl-C ends the answer under way, not the program. Between answers the first one only gives a hint, since it may have been meant for an
/// answer that had just ended; without a hint, or a second time, it does what it always does.
/// </summary>
internal sealed class AnswerInterrupt : IDisposable
{
    private readonly PosixSignalRegistration _registration;
    private readonly Lock _gate = new();
    private readonly Action? _hint;
    private CancellationTokenSource? _answer;
    private bool _hinted;

    /// <summary>Begins to listen.</summary>
    /// <param name="hint">Says how to end the program, or null.</param>
    public AnswerInterrupt(Action? hint = null)
    {
        _hint = hint;
        _registration = PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle);
    }

    /// <summary>Runs one answer.</summary>
    public T Run<T>(Func<CancellationToken, T> answer)
    {
        using var source = new CancellationTokenSource();
        lock (_gate) (_answer, _hinted) = (source, false);
        try
        {
            return answer(source.Token);
        }
        finally
        {
            lock (_gate) _answer = null;
        }
    }

    public void Dispose() => _registration.Dispose();

    private void Handle(PosixSignalContext context)
    {
        lock (_gate)
        {
            if (_answer is { IsCancellationRequested: false })
            {
                context.Cancel = true;
                _answer.Cancel();
            }
            else if (_answer is null && _hint is not null && !_hinted)
            {
                context.Cancel = _hinted = true;
                _hint();
            }
        }
    }
}
