using System.Reflection;
using Craton.Tensors.Kernels;

namespace Craton.Tensors.Tests.Catalog;

/// <summary>What every operation owes, whatever it computes.</summary>
public sealed class CatalogTests
{
    public static TheoryData<string> Rows() => new(OpCatalog.Rows.Select(row => row.Name));

    public static TheoryData<string> FusedRows() => new(OpCatalog.Rows.Where(row => row.Composed is not null).Select(row => row.Name));

    [Fact]
    public void Every_public_operation_has_a_row_for_each_of_its_forms()
    {
        ILookup<string, OpRow> rows = OpCatalog.Rows.ToLookup(row => row.Op);
        foreach (IGrouping<string, MethodInfo> op in typeof(Ops).GetMethods(BindingFlags.Public | BindingFlags.Static).GroupBy(method => method.Name))
            Assert.True(rows[op.Key].Count() >= op.Count(), $"Ops.{op.Key} has {op.Count()} forms, and OpCatalog {rows[op.Key].Count()} rows for it");
    }

    [Fact]
    public void Names_of_rows_are_unique() => Assert.Equal(OpCatalog.Rows.Count, OpCatalog.Rows.Select(row => row.Name).Distinct().Count());

    [Theory]
    [MemberData(nameof(Rows))]
    public void Fast_kernels_equal_the_reference(string name)
    {
        OpRow row = OpCatalog.Row(name);
        foreach ((OpSize size, Arrangement arrangement) in Situations())
        {
            if (size == OpSize.Large && arrangement != Arrangement.Contiguous) continue; // covered by the comparison of views with copies
            Tensor[] inputs = row.Make(size, arrangement);
            CatalogResult got = CatalogRun.Evaluate(row.Call, inputs), want = OnReference(() => CatalogRun.Evaluate(row.Call, inputs));
            AssertClose($"{name}, {size}, {arrangement}", want, got, row.Tolerance, row.GradientTolerance);
        }
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void Views_give_what_copies_give(string name)
    {
        OpRow row = OpCatalog.Row(name);
        foreach ((OpSize size, Arrangement arrangement) in Situations())
        {
            if (arrangement == Arrangement.Contiguous) continue;
            Tensor[] inputs = row.Make(size, arrangement);
            CatalogResult got = CatalogRun.Evaluate(row.Call, inputs), want = CatalogRun.Evaluate(row.Call, CatalogRun.Dense(inputs));
            AssertClose($"{name}, {size}, {arrangement}", want, got, row.Tolerance, row.GradientTolerance);
        }
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void Gradients_equal_differences_in_double(string name)
    {
        OpRow row = OpCatalog.Row(name);
        foreach (OpSize size in new[] { OpSize.One, OpSize.Odd })
            foreach (Arrangement arrangement in new[] { Arrangement.Contiguous, Arrangement.Strided })
            {
                Tensor[] inputs = row.Make(size, arrangement, DType.F64);
                CatalogResult got = CatalogRun.Evaluate(row.Call, inputs);
                Tensor[] leaves = [.. inputs.Where(input => input.RequiresGrad)];
                Assert.Equal(row.HasGradient ? leaves.Length : 0, got.Gradients.Length);
                if (row.NoDifferences is not null) continue;
                for (int i = 0; i < got.Gradients.Length; i++)
                    AssertClose($"{name}, {size}, {arrangement}, input {i}", Differences(row, inputs, leaves[i]), got.Gradients[i], 1e-6);
            }
    }

    [Theory]
    [MemberData(nameof(FusedRows))]
    public void Fused_equals_composed(string name)
    {
        OpRow row = OpCatalog.Row(name);
        foreach ((DType type, double tolerance) in new[] { (DType.F64, 1e-11), (DType.F32, 2e-5) })
            foreach (OpSize size in new[] { OpSize.One, OpSize.Odd, OpSize.Large })
            {
                if (type == DType.F64 && size == OpSize.Large) continue;
                Tensor[] inputs = row.Make(size, Arrangement.Contiguous, type);
                CatalogResult got = CatalogRun.Evaluate(row.Call, inputs), want = CatalogRun.Evaluate(row.Composed!, inputs);
                AssertClose($"{name}, {type}, {size}", want, got, tolerance, tolerance);
            }
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void Nothing_in_gives_what_the_reference_gives(string name)
    {
        OpRow row = OpCatalog.Row(name);
        foreach (Arrangement arrangement in Enum.GetValues<Arrangement>())
        {
            Tensor[] inputs = row.Make(OpSize.None, arrangement);
            (CatalogResult? got, string? refused) = Attempt(row, inputs);
            (CatalogResult? want, string? refusedThere) = OnReference(() => Attempt(row, inputs));
            Assert.Equal(refusedThere, refused);
            if (got is not null) AssertClose($"{name}, {arrangement}", want!, got, row.Tolerance, row.GradientTolerance);
        }
    }

    // An element that is no number, infinite or large reaches the same places on the fast kernels, and only those.
    [Theory]
    [MemberData(nameof(Rows))]
    public void Extreme_elements_reach_what_they_reach_in_the_reference(string name)
    {
        OpRow row = OpCatalog.Row(name);
        if (row.NoExtremes is not null) return;
        foreach (float extreme in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity, 3000, -3000 })
            for (int place = 0; place < row.Inputs.Length; place++)
            {
                Tensor[] inputs = row.Make(OpSize.Odd, Arrangement.Strided);
                if (inputs[place].DType != DType.F32) continue;
                Casts.Write(inputs[place], inputs[place].Count / 2, extreme);
                (CatalogResult? got, string? refused) = Attempt(row, inputs);
                (CatalogResult? want, string? refusedThere) = OnReference(() => Attempt(row, inputs));
                Assert.Equal(refusedThere, refused);
                if (got is not null) AssertClose($"{name}, {extreme} in input {place}", want!, got, Math.Max(row.Tolerance, 1e-6), Math.Max(row.GradientTolerance, 1e-6));
            }
    }

    private static (CatalogResult? Result, string? Refused) Attempt(OpRow row, Tensor[] inputs)
    {
        try
        {
            return (CatalogRun.Evaluate(row.Call, inputs), null);
        }
        catch (CratonException refused)
        {
            return (null, refused.Message);
        }
    }

    private static T OnReference<T>(Func<T> run)
    {
        Kernel.ForceReference = true;
        try
        {
            return run();
        }
        finally
        {
            Kernel.ForceReference = false;
        }
    }

    private static IEnumerable<(OpSize Size, Arrangement Arrangement)> Situations() =>
        from size in new[] { OpSize.One, OpSize.Odd, OpSize.Large } from arrangement in Enum.GetValues<Arrangement>() select (size, arrangement);

    // Central differences of Σ y · dy with respect to every element of an input.
    private static unsafe double[] Differences(OpRow row, Tensor[] inputs, Tensor leaf)
    {
        const double Step = 1e-5;
        var slopes = new double[leaf.Count];
        for (int i = 0; i < slopes.Length; i++)
        {
            ref double element = ref new Elements<double>(leaf)[i];
            double value = element;
            element = value + Step;
            double above = Loss(row, inputs);
            element = value - Step;
            double below = Loss(row, inputs);
            element = value;
            slopes[i] = (above - below) / (2 * Step);
        }
        return slopes;
    }

    private static double Loss(OpRow row, Tensor[] inputs)
    {
        double[] y = CatalogRun.Forward(row.Call, inputs);
        var random = new CounterRandom(seed: 99);
        double sum = 0;
        for (int i = 0; i < y.Length; i++) sum += y[i] * CatalogRun.Weight(random, i);
        return sum;
    }

    private static void AssertClose(string what, CatalogResult want, CatalogResult got, double tolerance, double gradientTolerance)
    {
        AssertClose($"{what}, result", want.Output, got.Output, tolerance);
        Assert.Equal(want.Gradients.Length, got.Gradients.Length);
        for (int i = 0; i < want.Gradients.Length; i++) AssertClose($"{what}, gradient {i}", want.Gradients[i], got.Gradients[i], gradientTolerance);
    }

    private static void AssertClose(string what, double[] want, double[] got, double tolerance)
    {
        Assert.Equal(want.Length, got.Length);
        double scale = 1;
        foreach (double value in want)
            if (double.IsFinite(value)) scale = Math.Max(scale, Math.Abs(value));
        for (int i = 0; i < want.Length; i++)
            if (!want[i].Equals(got[i]) && !(Math.Abs(want[i] - got[i]) <= tolerance * scale))
                Assert.Fail($"{what}[{i}]: expected {want[i]:R}, got {got[i]:R}; tolerance {tolerance} of {scale}");
    }
}
