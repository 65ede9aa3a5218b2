namespace Craton.Tensors;

public static partial class Ops
{
    /// <summary>
    /// Einstein summation of two tensors, such as <c>bij,bjk-&gt;bik</c>: a letter for every dimension, equal letters for dimensions that
    /// belong together; those that the result does not name are summed over. A matrix product after dimensions are brought in order.
    /// </summary>
    /// <exception cref="CratonException">The equation is not of that form, or the shapes do not fit it.</exception>
    public static Tensor Einsum(string equation, Tensor a, Tensor b)
    {
        (string lettersA, string lettersB, string result) = ParseEinsum(equation);
        Check.Float("einsum", "a", a);
        Check.SameType("einsum", "b", b, a);
        CheckLetters("a", a, lettersA);
        CheckLetters("b", b, lettersB);
        (a, lettersA) = SumUnshared(a, lettersA, lettersB, result);
        (b, lettersB) = SumUnshared(b, lettersB, lettersA, result);
        string batch = Only(lettersA, c => lettersB.Contains(c) && result.Contains(c)), inner = Only(lettersA, c => lettersB.Contains(c) && !result.Contains(c));
        string rows = Only(lettersA, c => !lettersB.Contains(c)), columns = Only(lettersB, c => !lettersA.Contains(c));
        int[] sizes = [.. (batch + rows + columns).Select(c => lettersA.Contains(c) ? a.Size(lettersA.IndexOf(c)) : b.Size(lettersB.IndexOf(c)))];
        foreach (char c in batch + inner)
            Check.That(a.Size(lettersA.IndexOf(c)) == b.Size(lettersB.IndexOf(c)), "einsum", "b", $"size {a.Size(lettersA.IndexOf(c))} for '{c}', as a has it", $"{b.Layout}");
        Tensor y = MatMul(Grouped(a, lettersA, batch, rows, inner), Grouped(b, lettersB, batch, inner, columns));
        string order = batch + rows + columns;
        return Permute(Reshape(y, sizes), [.. result.Select(c => order.IndexOf(c))]);
    }

    private static (string A, string B, string Result) ParseEinsum(string equation)
    {
        string[] sides = equation.Replace(" ", "", StringComparison.Ordinal).Split("->"), operands = sides[0].Split(',');
        bool isValid = sides.Length == 2 && operands.Length == 2 && sides[1].Distinct().Count() == sides[1].Length
            && operands.All(letters => letters.All(char.IsAsciiLetter) && letters.Distinct().Count() == letters.Length)
            && sides[1].All(sides[0].Contains) && !sides[1].Contains(',');
        Check.That(isValid, "einsum", "equation", "two operands and a result, such as bij,bjk->bik, each letter once in each", $"'{equation}'");
        return (operands[0], operands[1], sides[1]);
    }

    private static void CheckLetters(string argument, Tensor x, string letters) =>
        Check.That(x.Rank == letters.Length, "einsum", argument, $"{letters.Length} dimensions for '{letters}'", $"{x.Layout}");

    private static string Only(string letters, Func<char, bool> isWanted) => new([.. letters.Where(isWanted)]);

    // Dimensions that neither the other operand nor the result has.
    private static (Tensor X, string Letters) SumUnshared(Tensor x, string letters, string other, string result)
    {
        string kept = Only(letters, c => other.Contains(c) || result.Contains(c));
        return kept == letters ? (x, letters) : (Sum(x, [.. letters.Where(c => !kept.Contains(c)).Select(c => letters.IndexOf(c))]), kept);
    }

    // [batch.., product of the second, product of the third].
    private static Tensor Grouped(Tensor x, string letters, string batch, string second, string third)
    {
        int[] order = [.. (batch + second + third).Select(c => letters.IndexOf(c))];
        int Product(string group) => group.Aggregate(1, (product, c) => product * x.Size(letters.IndexOf(c)));
        return Reshape(Permute(x, order), [.. batch.Select(c => x.Size(letters.IndexOf(c))), Product(second), Product(third)]);
    }
}
