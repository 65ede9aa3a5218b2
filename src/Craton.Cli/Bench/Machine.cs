using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using System.Text.Json.Nodes;
using Craton.Tensors.Diagnostics;

namespace Craton.Cli.Bench;

/// <summary>What this machine can do at best, measured in two seconds.</summary>
/// <param name="Fma1">10⁹ floating-point operations a second of multiply-adds on one thread.</param>
/// <param name="FmaN">The same on all threads.</param>
/// <param name="Triad">10⁹ bytes a second of a = b + s·c on all threads.</param>
/// <param name="Read">10⁹ bytes a second of a sum on all threads.</param>
internal sealed record Limits(double Fma1, double FmaN, double Triad, double Read)
{
    public static Limits Measure(int threads) => new(
        MachineLimits.FmaGflops(1), MachineLimits.FmaGflops(threads),
        MachineLimits.TriadGigabytesPerSecond(threads), MachineLimits.ReadGigabytesPerSecond(threads));

    /// <summary>The better of two measurements: what is compared with a limit must not gain from a slow moment of the probe.</summary>
    public Limits Best(Limits other) => new(
        Math.Max(Fma1, other.Fma1), Math.Max(FmaN, other.FmaN), Math.Max(Triad, other.Triad), Math.Max(Read, other.Read));

    public JsonObject ToJson() => new() { ["fma_1"] = Fma1, ["fma_n"] = FmaN, ["triad"] = Triad, ["read"] = Read };

    public string Describe(int threads) =>
        $"{Figure.Short(Fma1)} / {Figure.Short(FmaN)} GFLOP/s of multiply-adds on 1 / {threads} threads, {Figure.Short(Triad)} GB/s triad, {Figure.Short(Read)} GB/s read";
}

/// <summary>The processor.</summary>
/// <param name="Model">Its name, with family and model number where the system tells them: names of virtual machines say little.</param>
/// <param name="Isa">Its vector instructions.</param>
/// <param name="Class">What speeds may be compared between machines of.</param>
internal sealed record Machine(string Model, string Isa, string Class)
{
    private static readonly string[] s_instructions = ["avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_vbmi", "asimd"];

    public static Machine Describe()
    {
        string[] information = File.Exists("/proc/cpuinfo") ? File.ReadAllLines("/proc/cpuinfo") : [];
        string? Field(string name) => information.Where(line => line.Split(':')[0].Trim() == name).Select(line => line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()).FirstOrDefault();
        string model = Field("model name") is { } processor
            ? $"{processor} (family {Field("cpu family")}, model {Field("model")})"
            : RuntimeInformation.ProcessArchitecture.ToString();
        HashSet<string> flags = [.. (Field("flags") ?? Field("Features") ?? "").Split(' ')];
        string isa = string.Join(' ', s_instructions.Where(flags.Contains));
        return new Machine(model, isa.Length > 0 ? isa : $"{MachineLimits.RegisterBits}-bit", ClassOf(flags));
    }

    public JsonObject ToJson(int threads) => new()
    {
        ["model"] = Model,
        ["isa"] = Isa,
        ["class"] = Class,
        ["cores"] = Environment.ProcessorCount,
        ["threads"] = threads,
        ["register_bits"] = MachineLimits.RegisterBits,
    };

    // Some processors run a 512-bit instruction as two of 256 bits: then both give the same number of operations a second.
    private static string ClassOf(HashSet<string> flags)
    {
        if (Avx512F.IsSupported) return MachineLimits.FmaGflops(1, 512) > 1.4 * MachineLimits.FmaGflops(1, 256) ? "avx512" : "avx512-double-pumped";
        if (flags.Contains("avx512f")) return "avx512-switched-off";
        if (Fma.IsSupported) return "avx2";
        return AdvSimd.IsSupported ? "neon" : "scalar";
    }
}
