namespace Craton.Training.Recipes;

/// <summary>Watches which side of a generative adversarial network is ahead, and says when one has won.</summary>
/// <param name="say">Hears of it.</param>
internal sealed class GanBalance(Action<string> say)
{
    private const double Weight = 0.02, Won = 0.98, Lost = 0.4, Begin = 0.75;
    private const int Soonest = 100; // steps: at the start the generator draws nothing yet

    private double _average = Begin;
    private int _seen;
    private bool _isLost, _isWon;

    /// <summary>Takes a step's balance in.</summary>
    public void Add(long step, double balance)
    {
        _average += Weight * (balance - _average);
        if (++_seen < Soonest) return;
        bool won = _average > Won, lost = _average < Lost;
        if (won && !_isWon)
            say(FormattableString.Invariant($"step {step}: the discriminator has won: it tells {_average:P0} of pairs apart, so that the generator learns little; raise adversary.penalty or lower adversary.rate"));
        if (lost && !_isLost)
            say(FormattableString.Invariant($"step {step}: the generator has won: the discriminator takes what is drawn for real in {1 - _average:P0} of pairs; raise adversary.rate or adversary.steps"));
        if (!won && !lost && (_isWon || _isLost)) say($"step {step}: both sides are in balance again");
        (_isWon, _isLost) = (won, lost);
    }

    /// <summary>The share of pairs of a real and a drawn picture in which the real one has the higher score; ½ when none can tell.</summary>
    public static double Of(ReadOnlySpan<float> real, ReadOnlySpan<float> drawn)
    {
        double right = 0;
        foreach (float r in real)
            foreach (float d in drawn) right += r > d ? 1 : r == d ? 0.5 : 0;
        return right / ((double)real.Length * drawn.Length);
    }
}
