using System.Buffers.Binary;
using System.Text;

namespace Craton.Tokenizers;

/// <summary>A field of a message in the wire format of protocol buffers.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Value">A number, where it is one.</param>
/// <param name="Bytes">Its bytes, where it is a string or a message.</param>
internal readonly record struct ProtoField(int Number, ulong Value, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>The value as a boolean.</summary>
    public bool Flag => Value != 0;

    /// <summary>The value as a float.</summary>
    public float Single => BitConverter.UInt32BitsToSingle((uint)Value);

    /// <summary>The bytes as text.</summary>
    /// <exception cref="FormatException">They are no valid UTF-8.</exception>
    public string Text => System.Text.Unicode.Utf8.IsValid(Bytes.Span)
        ? Encoding.UTF8.GetString(Bytes.Span) : throw new FormatException($"the field {Number} is no valid UTF-8");
}

/// <summary>Reads and writes the wire format of protocol buffers: numbers, and bytes with their length.</summary>
internal static class Proto
{
    /// <summary>The fields of a message in order.</summary>
    /// <exception cref="FormatException">The message is damaged.</exception>
    public static IEnumerable<ProtoField> Fields(ReadOnlyMemory<byte> message)
    {
        int at = 0;
        while (at < message.Length)
        {
            ulong key = Varint(message.Span, ref at);
            int number = (int)Math.Min(key >> 3, int.MaxValue);
            switch (key & 7)
            {
                case 0:
                    yield return new ProtoField(number, Varint(message.Span, ref at), default);
                    break;
                case 1:
                    Take(message, 8, ref at);
                    break;
                case 2:
                    ulong length = Varint(message.Span, ref at);
                    yield return new ProtoField(number, 0, Take(message, length, ref at));
                    break;
                case 5:
                    yield return new ProtoField(number, BinaryPrimitives.ReadUInt32LittleEndian(Take(message, 4, ref at).Span), default);
                    break;
                default:
                    throw new FormatException($"the field {number} has the wire type {key & 7}, expected a number or bytes");
            }
        }
    }

    /// <summary>Appends a number.</summary>
    public static void Add(List<byte> message, int field, ulong value)
    {
        AddVarint(message, (ulong)field << 3);
        AddVarint(message, value);
    }

    /// <summary>Appends a float.</summary>
    public static void Add(List<byte> message, int field, float value)
    {
        AddVarint(message, (ulong)field << 3 | 5);
        message.AddRange(BitConverter.GetBytes(value));
    }

    /// <summary>Appends bytes.</summary>
    public static void Add(List<byte> message, int field, ReadOnlySpan<byte> value)
    {
        AddVarint(message, (ulong)field << 3 | 2);
        AddVarint(message, (ulong)value.Length);
        message.AddRange(value);
    }

    private static void AddVarint(List<byte> message, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            message.Add((byte)(value | 0x80));
        message.Add((byte)value);
    }

    private static ulong Varint(ReadOnlySpan<byte> message, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; shift < 64 && at < message.Length; shift += 7)
        {
            byte part = message[at++];
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
                return value;
        }

        throw new FormatException($"a number breaks off at byte {at}");
    }

    private static ReadOnlyMemory<byte> Take(ReadOnlyMemory<byte> message, ulong length, ref int at)
    {
        if (length > (ulong)(message.Length - at))
            throw new FormatException($"{length} bytes are announced at byte {at}, but {message.Length - at} are left");
        at += (int)length;
        return message.Slice(at - (int)length, (int)length);
    }
}
