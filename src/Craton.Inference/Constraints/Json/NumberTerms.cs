using System.Globalization;
using Craton.Inference.Constraints.Automata;

namespace Craton.Inference.Constraints.Json;

/// <summary>An end of a range of numbers.</summary>
internal readonly record struct Bound(decimal Value, bool Exclusive);

/// <summary>Numbers of a range as terms over their decimal digits, without an exponent.</summary>
internal static class NumberTerms
{
    /// <summary>The greatest whole number whose multiples are recognised.</summary>
    public const int GreatestDivisor = 10_000;

    /// <summary>Whether multiples can be recognised: of whole numbers, and of a tenth, a hundredth and so on.</summary>
    public static bool CanDivide(decimal divisor) =>
        divisor > 0 && (divisor < 1 ? Places(divisor) is > 0 and <= JsonTerms.FractionDigits : divisor <= GreatestDivisor && divisor % 1 == 0);

    /// <summary>Numbers between two bounds, each of which may be missing, that are multiples of each divisor.</summary>
    public static Term Between(Bound? least, Bound? most, bool whole, IReadOnlyList<decimal> divisors)
    {
        Dfa numbers = Dfa.Of(whole ? JsonTerms.Digits : new Sequence(JsonTerms.Digits, JsonTerms.Fraction));
        numbers = divisors.Aggregate(numbers, (found, divisor) => found.Intersect(Multiples(divisor)));
        var options = new List<Term>();
        // Of zero and above.
        if (most is not { Value: < 0 })
            options.Add(Magnitudes(numbers, least is { Value: >= 0 } ? least : null, most, zero: true));
        // Below zero the greatest number has the least magnitude.
        if (least is not { Value: >= 0 })
        {
            Bound? from = most is { Value: < 0 } m ? m with { Value = -m.Value } : null;
            Bound? to = least is { } l ? l with { Value = -l.Value } : null;
            options.Add(new Sequence(Term.Literal("-"), Magnitudes(numbers, from, to, zero: false)));
        }

        return new Choice(options);
    }

    // Numbers without a sign.
    private static Accepted Magnitudes(Dfa numbers, Bound? least, Bound? most, bool zero)
    {
        if (least is null && !zero)
            least = new Bound(0, Exclusive: true);
        if (least is { } l)
            numbers = numbers.Intersect(Dfa.Of(AtLeast(l)));
        if (most is { } m)
            numbers = numbers.Intersect(Dfa.Of(AtMost(m)));
        return new Accepted(numbers);
    }

    // State 1 + r: the digits so far leave the remainder r.
    private static Dfa Multiples(decimal divisor)
    {
        if (divisor < 1)
            return Dfa.Of(new Sequence(JsonTerms.Digits, new Sequence(Term.Literal("."), new Repeat(JsonTerms.Digit('0', '9'), 1, Places(divisor))).Optional()));
        int count = (int)divisor;
        DfaState State(bool final, int remainder) => new(
            final, [.. Enumerable.Range(0, 10).Select(d => new ByteEdge((byte)('0' + d), (byte)('0' + d), 1 + (10 * remainder + d) % count))], []);
        return new Dfa([State(final: false, 0), .. Enumerable.Range(0, count).Select(r => State(r == 0, r))]);
    }

    // How many decimal places a power of ten below 1 has; 0 for other numbers.
    private static int Places(decimal divisor)
    {
        int places = 0;
        for (decimal power = divisor; power < 1 && places <= JsonTerms.FractionDigits; power *= 10)
            places++;
        decimal unit = 1;
        for (int i = 0; i < places; i++)
            unit /= 10;
        return unit == divisor ? places : 0;
    }

    private static Choice AtLeast(Bound bound)
    {
        (string digits, string fraction) = Parts(bound.Value);
        var options = new List<Term> { new Sequence(LongerOrGreater(digits), AnyFraction()) };
        Term same = Term.Literal(digits);
        if (fraction.Length == 0 && !bound.Exclusive)
        {
            options.Add(new Sequence(same, AnyFraction()));
        }
        else
        {
            Term point = Term.Literal(".");
            for (int i = 0; i < fraction.Length; i++)
            {
                if (fraction[i] < '9')
                    options.Add(new Sequence(same, point, Term.Literal(fraction[..i]), JsonTerms.Digit((char)(fraction[i] + 1), '9'), AnyDigits()));
            }

            Term rest = bound.Exclusive ? new Sequence(Zeros(), JsonTerms.Digit('1', '9'), AnyDigits()) : AnyDigits();
            options.Add(new Sequence(same, point, Term.Literal(fraction), rest));
        }

        return new Choice(options);
    }

    private static Choice AtMost(Bound bound)
    {
        (string digits, string fraction) = Parts(bound.Value);
        var options = new List<Term> { new Sequence(ShorterOrSmaller(digits), AnyFraction()) };
        Term same = Term.Literal(digits), point = Term.Literal(".");
        if (fraction.Length > 0 || !bound.Exclusive)
            options.Add(same);
        for (int i = 0; i < fraction.Length; i++)
        {
            // Digits that end early, or a smaller one.
            if (i > 0)
                options.Add(new Sequence(same, point, Term.Literal(fraction[..i])));
            if (fraction[i] > '0')
                options.Add(new Sequence(same, point, Term.Literal(fraction[..i]), JsonTerms.Digit('0', (char)(fraction[i] - 1)), AnyDigits()));
        }

        if (!bound.Exclusive)
            options.Add(new Sequence(same, point, Term.Literal(fraction), Zeros()));
        return new Choice(options);
    }

    // Whole parts above the given one.
    private static Choice LongerOrGreater(string digits)
    {
        var options = new List<Term> { new Sequence(JsonTerms.Digit('1', '9'), new Repeat(JsonTerms.Digit('0', '9'), digits.Length, null)) };
        for (int i = 0; i < digits.Length; i++)
        {
            if (digits[i] < '9')
                options.Add(Differing(digits, i, (char)(digits[i] + 1), '9'));
        }

        return new Choice(options);
    }

    // Whole parts below the given one.
    private static Choice ShorterOrSmaller(string digits)
    {
        var options = new List<Term>();
        if (digits.Length > 1)
            options.Add(new Choice(Term.Literal("0"), new Sequence(JsonTerms.Digit('1', '9'), new Repeat(JsonTerms.Digit('0', '9'), 0, digits.Length - 2))));
        for (int i = 0; i < digits.Length; i++)
        {
            if (digits[i] > '0')
                options.Add(Differing(digits, i, '0', (char)(digits[i] - 1)));
        }

        return new Choice(options);
    }

    private static Sequence Differing(string digits, int place, char first, char last) => new(
        Term.Literal(digits[..place]),
        JsonTerms.Digit(first, last),
        new Repeat(JsonTerms.Digit('0', '9'), digits.Length - place - 1, digits.Length - place - 1));

    private static Term AnyFraction() => new Sequence(Term.Literal("."), JsonTerms.Digit('0', '9'), AnyDigits()).Optional();

    private static Repeat AnyDigits() => new(JsonTerms.Digit('0', '9'), 0, null);

    private static Repeat Zeros() => new(Term.Literal("0"), 0, null);

    private static (string Digits, string Fraction) Parts(decimal value)
    {
        string[] parts = value.ToString(CultureInfo.InvariantCulture).Split('.');
        return (parts[0], parts.Length > 1 ? parts[1].TrimEnd('0') : "");
    }
}
