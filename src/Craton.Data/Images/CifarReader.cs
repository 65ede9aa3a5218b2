using Craton.Tensors;

namespace Craton.Data.Images;

/// <summary>The two CIFAR sets in their binary form.</summary>
public enum CifarKind
{
    /// <summary>Ten classes; a record begins with its label.</summary>
    Cifar10,
    /// <summary>A hundred classes; a record begins with its coarse and its fine label, of which the fine one is taken.</summary>
    Cifar100,
}

/// <summary>
/// Reads CIFAR's binary files, also compressed (<c>.gz</c>): records of labels and 32×32 pixels, first all red, then all green, then all blue.
/// </summary>
public static class CifarReader
{
    private const int Side = 32, Plane = Side * Side, Pixels = 3 * Plane;

    /// <summary>Reads the records of some files, in their order.</summary>
    /// <param name="files">Paths, such as <c>data_batch_1.bin</c>.</param>
    /// <param name="kind">Which of the sets.</param>
    /// <param name="classes">Names of the labels (<c>batches.meta.txt</c>); empty for none.</param>
    /// <exception cref="DataFileException">A file holds no whole number of records, an unknown label, or too much.</exception>
    public static ImageSet Read(IReadOnlyList<string> files, CifarKind kind = CifarKind.Cifar10, IReadOnlyList<string>? classes = null)
    {
        if (files.Count == 0) throw new CratonException("CIFAR: expected at least one file such as data_batch_1.bin, got none");
        var samples = new MemoryStream();
        var labels = new List<int>();
        foreach (string file in files)
        {
            using DataStream stream = DataStream.Open(file, new TextFileOptions());
            ReadRecords(stream, file, kind, samples, labels);
        }
        return new(Side, Side, 3, samples.ToArray(), [.. labels], classes ?? []);
    }

    /// <summary>Adds the records of a stream; memory grows with what is really there.</summary>
    internal static void ReadRecords(Stream stream, string name, CifarKind kind, MemoryStream samples, List<int> labels)
    {
        int head = kind == CifarKind.Cifar10 ? 1 : 2, most = kind == CifarKind.Cifar10 ? 10 : 100;
        byte[] record = new byte[head + Pixels], pixels = new byte[Pixels];
        for (long at = 0; ; at += record.Length)
        {
            int got = stream.ReadAtLeast(record, record.Length, throwOnEndOfStream: false);
            if (got == 0 && at > 0) return;
            if (got < record.Length) throw new DataFileException(name, $"byte {at}", $"expected records of {record.Length} bytes, got {got}; the file is empty, cut, or of the other CIFAR set.");
            int label = record[head - 1];
            if (label >= most) throw new DataFileException(name, $"byte {at + head - 1}", $"expected a label below {most}, got {label}; the file is damaged or of the other CIFAR set.");
            if (samples.Length + Pixels > ImageSet.MostBytes) throw new DataFileException(name, "", $"holds more than {ImageSet.MostBytes:N0} bytes of pixels with those before it; give fewer files.");
            for (int i = 0; i < Plane; i++)
                for (int c = 0; c < 3; c++) pixels[3 * i + c] = record[head + c * Plane + i];
            samples.Write(pixels);
            labels.Add(label);
        }
    }
}
