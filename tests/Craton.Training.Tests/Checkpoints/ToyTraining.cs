using System.Globalization;
using Craton.Training.Checkpoints;
using Craton.Training.Reports;

namespace Craton.Training.Tests.Checkpoints;

/// <summary>The smallest thing that trains: each state follows from the one before, is logged, and saved every second step.</summary>
internal static class ToyTraining
{
    public static void Run(string folder, int steps, IFileOps? files = null)
    {
        var store = new CheckpointStore(folder, keep: 1, keepBest: true, files: files);
        Checkpoint? from = store.Resume();
        long step = from?.Step ?? 0;
        ulong state = from is null ? 1 : ulong.Parse(File.ReadAllText(from.PathOf("state.json")), CultureInfo.InvariantCulture);
        using var log = new MetricsLog(folder, from?.Step ?? -1);
        while (step < steps)
        {
            step++;
            state = Next(state);
            log.Write(step, new Metric("loss", Loss(state)), new Metric("lr", 1.0 / step));
            log.WriteTiming(step, new Metric("seconds", Environment.TickCount64));
            if (step % 2 != 0) continue;
            log.Sync();
            store.Save(step, Content(state), Loss(state));
        }
    }

    public static ulong StateAt(long step)
    {
        ulong state = 1;
        for (long i = 0; i < step; i++) state = Next(state);
        return state;
    }

    public static CheckpointFile[] Content(ulong state) =>
    [
        new("model.safetensors", stream => SafetensorsWriter.Write(stream, [TensorSource.FromBytes("w", DType.I64, [200], Repeated(state, 200))])),
        new("state.json", stream => stream.Write(System.Text.Encoding.ASCII.GetBytes(state.ToString(CultureInfo.InvariantCulture)))),
    ];

    /// <summary>Fails when the files of a checkpoint are not those of its step.</summary>
    public static void Check(Checkpoint checkpoint)
    {
        ulong state = StateAt(checkpoint.Step);
        foreach (CheckpointFile file in Content(state))
        {
            var expected = new MemoryStream();
            file.Write(expected);
            Assert.Equal(expected.ToArray(), File.ReadAllBytes(checkpoint.PathOf(file.Name)));
        }
    }

    private static ulong Next(ulong state) => unchecked((state * 6364136223846793005) + 1442695040888963407);

    private static double Loss(ulong state) => (state >> 40) / 1e4;

    private static byte[] Repeated(ulong state, int count)
    {
        byte[] bytes = new byte[8 * count];
        for (int i = 0; i < count; i++) BitConverter.TryWriteBytes(bytes.AsSpan(8 * i), unchecked(state + (ulong)i));
        return bytes;
    }
}
