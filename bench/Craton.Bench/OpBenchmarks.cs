using BenchmarkDotNet.Attributes;
using Craton.Tensors;
using Craton.Tensors.Tests.Catalog;

namespace Craton.Bench;

/// <summary>Every row of the operations' catalogue, in the sizes of a small language model.</summary>
public class OpBenchmarks
{
    private OpRow _row = null!;
    private Tensor[] _inputs = [];
    private Tensor? _dy;

    [ParamsSource(nameof(Names))]
    public string Row { get; set; } = "";

    public static IEnumerable<string> Names => OpCatalog.Rows.Select(row => row.Name);

    [GlobalSetup]
    public void Setup()
    {
        _row = OpCatalog.Row(Row);
        _inputs = _row.Make(OpSize.Benchmark);
        using (TensorScope.Open("setup"))
        using (Tape.Start())
        {
            Tensor y = _row.Call(_inputs);
            if (!y.RequiresGrad) return;
            _dy = Tensor.Persistent(y.DType, y.Shape);
            _dy.AsSpan<float>().Fill(1);
        }
    }

    [Benchmark]
    public void Forward()
    {
        using (TensorScope.Open("step")) _ = _row.Call(_inputs);
    }

    /// <summary>Forward and backward; the same as <see cref="Forward"/> where there is no gradient.</summary>
    [Benchmark]
    public void Step()
    {
        foreach (Tensor input in _inputs) input.ClearGrad();
        using (TensorScope.Open("step"))
        using (Tape tape = Tape.Start())
        {
            Tensor y = _row.Call(_inputs);
            if (_dy is not null) tape.Backward([y], [_dy]);
        }
    }
}
