using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Craton.Bench;

// In this process: the catalogue is one assembly's internals, and the runtime's settings are those of the tool.
IConfig config = DefaultConfig.Instance
    .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
    .AddColumn(new RateColumn("GFLOP/s", row => row.Flops), new RateColumn("GB/s", row => row.Bytes));
BenchmarkSwitcher.FromAssembly(typeof(OpBenchmarks).Assembly).Run(args, config);
