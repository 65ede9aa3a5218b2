using System.Diagnostics;
using System.Globalization;

namespace Craton.Tensors.IO;

/// <summary>
/// Named places at which a test may have its own process killed, to see what a crash there leaves on the disk. With
/// <c>CRATON_KILLPOINT=name:n</c> in the environment the n-th hit of that name kills; the name <c>*</c> counts all of them.
/// Without the variable a hit costs one comparison.
/// </summary>
public static class KillPoint
{
    private static readonly (string Name, int Hit)? Target = Parse(Environment.GetEnvironmentVariable("CRATON_KILLPOINT"));
    private static int hits;

    /// <summary>Marks the place; does not return when this hit is the one to die at.</summary>
    public static void Hit(string name)
    {
        if (Target is not { } target || (target.Name != "*" && target.Name != name)) return;
        if (Interlocked.Increment(ref hits) != target.Hit) return;
        using var self = Process.GetCurrentProcess();
        self.Kill(); // SIGKILL: no handler runs, no buffer is flushed
        Thread.Sleep(Timeout.Infinite);
    }

    private static (string, int)? Parse(string? setting)
    {
        if (string.IsNullOrEmpty(setting)) return null;
        int colon = setting.LastIndexOf(':');
        return colon > 0 && int.TryParse(setting.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int hit) && hit > 0
            ? (setting[..colon], hit)
            : throw new CratonException($"CRATON_KILLPOINT: expected name:n with n from 1, got '{setting}'; unset it outside of tests");
    }
}
