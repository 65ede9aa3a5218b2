using System.Runtime.InteropServices;

namespace Craton.Training;

/// <summary>
/// Turns Ctrl-C and the termination signal into a request that training reads between steps: it saves and ends well. A second signal
/// ends the process at once.
/// </summary>
public sealed class StopSignal : IDisposable
{
    private readonly PosixSignalRegistration _interrupt, _terminate;
    private volatile bool _requested;

    /// <summary>Begins to listen.</summary>
    public StopSignal()
    {
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle);
    }

    /// <summary>True once a signal has come.</summary>
    public bool IsRequested => _requested;

    /// <summary>Stops listening.</summary>
    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        if (_requested) return; // the second one does what signals do
        context.Cancel = true;
        _requested = true;
    }
}
