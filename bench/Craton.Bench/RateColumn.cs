using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using Craton.Tensors;
using Craton.Tensors.Tests.Catalog;

namespace Craton.Bench;

/// <summary>Work of one forward pass.</summary>
internal sealed record RowWork(double? Flops, double Bytes)
{
    public static RowWork Of(string name)
    {
        OpRow row = OpCatalog.Row(name);
        Tensor[] inputs = row.Make(OpSize.Benchmark);
        using (TensorScope.Open("column"))
        {
            Tensor y = row.Call(inputs);
            return new RowWork(row.Flops?.Invoke(OpSize.Benchmark), inputs.Append(y).Sum(tensor => (double)tensor.Count * tensor.DType.Size()));
        }
    }
}

/// <summary>10⁹ operations or bytes a second of the forward pass, where the catalogue knows how many there are.</summary>
internal sealed class RateColumn(string name, Func<RowWork, double?> work) : IColumn
{
    public string Id => name;

    public string ColumnName => name;

    public string Legend => name == "GB/s" ? "inputs read and result written, forward" : "floating-point operations of the forward pass";

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        if (benchmarkCase.Descriptor.WorkloadMethod.Name != nameof(OpBenchmarks.Forward) || summary[benchmarkCase]?.ResultStatistics is not { } statistics) return "";
        string row = (string)benchmarkCase.Parameters[nameof(OpBenchmarks.Row)];
        return work(RowWork.Of(row)) is { } amount ? (amount / statistics.Mean).ToString("F1", CultureInfo.InvariantCulture) : "";
    }

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;
}
