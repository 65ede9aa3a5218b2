using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Craton.Data;

/// <summary>A CSV or TSV record.</summary>
/// <param name="Line">The line it begins on, counted from 1.</param>
/// <param name="Fields">Its fields; empty where <paramref name="Fault"/> is set.</param>
/// <param name="Fault">Why it cannot be read, or null.</param>
internal readonly record struct DelimitedRecord(long Line, string[] Fields, string? Fault);

/// <summary>
/// Reads comma-separated records (RFC 4180: quoted fields, doubled quotes, line breaks inside quotes) or tab-separated ones (no
/// quoting, as the IANA definition has it) in bounded memory. After an unclosed quote reading goes on behind the record limit.
/// </summary>
internal sealed class DelimitedReader(Stream stream, char delimiter, int maxBytes)
{
    private readonly byte[] _buffer = new byte[1 << 16];
    private readonly ArrayBufferWriter<byte> _field = new();
    private readonly List<string> _fields = [];
    private int _at, _end;
    private long _line = 1, _size;
    private string? _fault;

    public IEnumerable<DelimitedRecord> Read()
    {
        if (Peek() == 0xEF) SkipMark();
        while (Peek() >= 0)
        {
            long first = _line;
            ReadRecord();
            bool blank = _fault is null && _fields.Count == 1 && _fields[0].Length == 0;
            if (!blank) yield return new DelimitedRecord(first, _fault is null ? [.. _fields] : [], _fault);
        }
    }

    private void SkipMark()
    {
        foreach (byte expected in "\uFEFF"u8)
        {
            if (Peek() == expected) _at++;
        }
    }

    private void ReadRecord()
    {
        _fields.Clear();
        (_fault, _size) = (null, 0);
        do _field.ResetWrittenCount();
        while (ReadField());
    }

    /// <summary>Reads one field; false when the record ends with it.</summary>
    private bool ReadField()
    {
        bool quoted = delimiter == ',' && Peek() == '"';
        if (quoted)
        {
            _at++;
            ReadQuoted();
        }

        while (true)
        {
            int c = Next();
            if (c == delimiter)
            {
                EndField();
                return true;
            }

            if (c is '\n' or -1)
            {
                if (c == '\n') _line++;
                EndField();
                return false;
            }

            if (c == '\r' && Peek() is '\n' or -1) continue;
            Keep((byte)c);
        }
    }

    private void ReadQuoted()
    {
        while (true)
        {
            int c = Next();
            if (c < 0)
            {
                _fault ??= "a quote is never closed";
                return;
            }

            if (c == '"')
            {
                if (Peek() != '"') return;
                _at++;
            }

            if (c == '\n')
            {
                _line++;
                if (_size > maxBytes) return; // an unclosed quote must not swallow the rest of the file
            }

            Keep((byte)c);
        }
    }

    private void Keep(byte value)
    {
        if (++_size <= maxBytes) _field.Write([value]);
        else _fault ??= $"the record is longer than {maxBytes:N0} bytes (an unclosed quote?)";
        if (value == 0) _fault ??= "the record holds a NUL byte";
    }

    private void EndField()
    {
        ReadOnlySpan<byte> bytes = _field.WrittenSpan;
        if (!Utf8.IsValid(bytes)) _fault ??= "the record is not valid UTF-8";
        if (_fault is null) _fields.Add(Encoding.UTF8.GetString(bytes));
    }

    private int Peek()
    {
        if (_at == _end) (_at, _end) = (0, stream.Read(_buffer, 0, _buffer.Length));
        return _at < _end ? _buffer[_at] : -1;
    }

    private int Next()
    {
        int c = Peek();
        if (c >= 0) _at++;
        return c;
    }
}
