using System.Buffers.Binary;
using System.Text;
using Craton.Tensors.IO;

namespace Craton.Tensors.Tests.IO;

/// <summary>Small files for the tests, good and bad.</summary>
internal static class SafetensorsSamples
{
    /// <summary>A valid file with a matrix, a vector, a scalar and an empty tensor.</summary>
    public static byte[] Valid()
    {
        var stream = new MemoryStream();
        SafetensorsWriter.Write(stream,
        [
            TensorSource.FromFloats("w", [2, 3], new float[] { 1, 2, 3, 4, 5, 6 }),
            TensorSource.FromFloats("b", [3], new float[] { 0.5f, -1, 2 }, DType.BF16),
            TensorSource.FromBytes("step", DType.I64, [], BitConverter.GetBytes(7L)),
            TensorSource.FromBytes("none", DType.F32, [0, 4], ReadOnlyMemory<byte>.Empty),
        ]);
        return stream.ToArray();
    }

    /// <summary>A file of a header as text and so many bytes of data.</summary>
    public static byte[] File(string header, int dataBytes) => File(Encoding.UTF8.GetBytes(header), dataBytes);

    public static byte[] File(byte[] header, int dataBytes)
    {
        byte[] file = new byte[8 + header.Length + dataBytes];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        header.CopyTo(file, 8);
        return file;
    }

    /// <summary>A header entry.</summary>
    public static string Entry(string name, string shape, long begin, long end, string type = "U8") =>
        $$"""  "{{name}}":{"dtype":"{{type}}","shape":{{shape}},"data_offsets":[{{begin}},{{end}}]} """.Trim();

    /// <summary>Headers that are refused, with the bytes of data and a word that the message must have.</summary>
    public static TheoryData<string, int, string> BadHeaders() => new()
    {
        { "[]", 0, "'{'" },
        { " {}", 0, "'{'" },
        { "{", 0, "JSON" },
        { "{}x", 0, "JSON" },
        { "{}{}", 0, "JSON" },
        { "{\"a\":1}", 0, "object" },
        { "{\"a\":{}}", 0, "lacks" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, "lacks" },
        { $"{{{Entry("a", "[1]", 0, 1)}}}", 2, "more bytes follow" },
        { $"{{{Entry("a", "[1]", 0, 1)}}}", 0, "range" },
        { $"{{{Entry("a", "[1]", 1, 0)}}}", 1, "range" },
        { $"{{{Entry("a", "[1]", -1, 0)}}}", 1, "whole number" },
        { $"{{{Entry("a", "[2]", 0, 1)}}}", 1, "needs 2 bytes" },
        { $"{{{Entry("a", "[1]", 1, 2)}}}", 2, "hole" },
        { $"{{{Entry("a", "[2]", 0, 2)},{Entry("b", "[2]", 1, 3)}}}", 3, "overlap" },
        { $"{{{Entry("a", "[2]", 0, 2)},{Entry("b", "[2]", 0, 2)}}}", 2, "overlap" },
        { $"{{{Entry("a", "[1]", 0, 1)},{Entry("b", "[1]", 2, 3)}}}", 3, "hole" },
        { $"{{{Entry("a", "[1]", 0, 1)},{Entry("a", "[1]", 1, 2)}}}", 2, "twice" },
        { $"{{{Entry("a", "[1]", 0, 1)},{Entry("\\u0061", "[1]", 1, 2)}}}", 2, "twice" },
        { $"{{{Entry("a", "[1]", 0, 1, "U9")}}}", 1, "dtype" },
        { $"{{{Entry("a", "[1]", 0, 1, "u8")}}}", 1, "dtype" },
        { $"{{{Entry("a", "[1]", 0, 1, "F4")}}}", 1, "whole bytes" },
        { $"{{{Entry("a", "[4294967296,4294967296]", 0, 1)}}}", 1, "too large" },
        { $"{{{Entry("a", "[2305843009213693952]", 0, 0, "F32")}}}", 0, "too large" },
        { $"{{{Entry("a", "[9223372036854775808]", 0, 1)}}}", 1, "whole number" },
        { $"{{{Entry("a", "[1.0]", 0, 1)}}}", 1, "whole number" },
        { $"{{{Entry("a", "[-1]", 0, 1)}}}", 1, "whole number" },
        { $"{{{Entry("a", "[\"1\"]", 0, 1)}}}", 1, "whole number" },
        { $"{{{Entry("a", "[[1]]", 0, 1)}}}", 1, "whole number" },
        { $"{{{Entry("a", "1", 0, 1)}}}", 1, "array" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, "whole number" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}}", 1, "two numbers" },
        { "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "twice" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":0}}", 1, "unknown" },
        { "{\"a\":{\"dtype\":8,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "string" },
        { "{\"__metadata__\":[]}", 0, "metadata" },
        { "{\"__metadata__\":{\"a\":1}}", 0, "metadata" },
        { "{\"__metadata__\":{\"a\":{\"b\":\"c\"}}}", 0, "metadata" },
        { "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "twice" },
        { "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "twice" },
        { "{\"a\\ud800\":{}}", 0, "Unicode" },
        { "{\"a\":{\"shape\":[[[[[[[[1]]]]]]]]}}", 0, "whole number" },
    };
}
