using System.Text.Json.Serialization;

namespace Craton.Cli.Quickstart;

/// <summary>Time and memory taken so far: <c>usage.json</c>.</summary>
internal sealed record QuickstartCost(SortedDictionary<string, double> Seconds, long PeakMegabytes);

/// <summary>The files that a quickstart keeps for its next start.</summary>
[JsonSerializable(typeof(QuickstartPlan))]
[JsonSerializable(typeof(QuickstartCost))]
internal sealed partial class QuickstartJson : JsonSerializerContext;
