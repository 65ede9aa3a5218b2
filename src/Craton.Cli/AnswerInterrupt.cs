using System.Runtime.InteropServices;

namespace Craton.Cli;

/// <summary>Ctrl-C ends the answer under way, not the program. While no answer is under way it does what it always does.</summary>
internal sealed class AnswerInterrupt : IDisposable
{
    private readonly PosixSignalRegistration _registration;
    private readonly Lock _gate = new();
    private CancellationTokenSource? _answer;

    public AnswerInterrupt() => _registration = PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle);

    /// <summary>Runs one answer.</summary>
    public T Run<T>(Func<CancellationToken, T> answer)
    {
        using var source = new CancellationTokenSource();
        lock (_gate) _answer = source;
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
            if (_answer is null || _answer.IsCancellationRequested) return;
            context.Cancel = true;
            _answer.Cancel();
        }
    }
}
