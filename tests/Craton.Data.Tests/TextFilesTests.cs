using System.Text;
using Craton.Tensors;
using DocumentFormat.OpenXml;
using DocumentFormat.OpenXml.Packaging;
using DocumentFormat.OpenXml.Wordprocessing;

namespace Craton.Data.Tests;

public class TextFilesTests
{
    private static List<Document> Read(string path, TextFileOptions? options = null) => [.. new TextFiles([path], options).Read()];

    [Fact]
    public void Formats_are_read_in_the_order_of_their_names()
    {
        using var folder = new TempFolder();
        folder.File("a.txt", "\uFEFFplain\r\ntext");
        folder.File("b/c.md", "---\ntitle: x\n---\n# Head\n\nSome *bold* [link](http://x.y).\n");
        folder.File("b/d.html.gz", TempFolder.Gzip("<html><head><title>T</title><style>p{}</style></head><body><nav>menu</nav><p>One <b>two</b></p><script>bad()</script><ul><li>x<li>y</ul><pre>a\n  b</pre></body></html>"u8.ToArray()));
        folder.File("e.jsonl", "{\"text\":\"row\"}\n\n{\"prompt\":\"p\",\"completion\":\"c\"}\n{\"instruction\":\"i\",\"input\":\"n\",\"output\":\"o\"}");
        folder.File("f.csv", "id,text\r\n1,\"with \"\"quotes\"\", and\r\nbreak\"\r\n2,plain\r\n");
        folder.File("g.tsv", "a \"stirring film\t1\nnot a good one\t0\n");
        folder.File("h.json", "[{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\"}]}]");
        folder.File("skip.bin", [0, 1, 2]);
        folder.File(".hidden.txt", "no");
        List<Document> documents = Read(folder.Root);
        Assert.Equal(
            ["a.txt", "b/c.md", "b/d.html.gz", "e.jsonl#1", "e.jsonl#3", "e.jsonl#4", "f.csv#2", "f.csv#4", "g.tsv#1", "g.tsv#2", "h.json#1"],
            documents.Select(d => d.Id));
        Assert.Equal(
            ["plain\r\ntext", "Head\nSome bold link.", "T\n\nOne two\n\n- x\n- y\n\na\n  b", "row", "p\n\nc", "i\n\nn\n\no", "with \"quotes\", and\r\nbreak", "plain", "a \"stirring film", "not a good one", "q\n\na"],
            documents.Select(d => d.Text));
    }

    [Fact]
    public void Globs_and_exclusions_choose_files()
    {
        using var folder = new TempFolder();
        foreach (string name in new[] { "a.md", "x/b.md", "x/y/c.md", "x/bin/d.md", "x/e.txt" }) folder.File(name, name);
        string[] Ids(string glob, params string[] exclude) => [.. Read(folder.At(glob), new TextFileOptions { Exclude = exclude }).Select(d => d.Id)];
        Assert.Equal(["a.md", "x/b.md", "x/y/c.md"], Ids("**/*.md", "**/bin"));
        Assert.Equal(["a.md"], Ids("*.md"));
        Assert.Equal(["b.md", "bin/d.md", "e.txt", "y/c.md"], Ids("x"));
        Assert.Equal(["e.txt"], Ids("x/e.txt"));
        Assert.False(FileGlob.IsMatch(string.Concat(Enumerable.Repeat("**/", 200)) + "x", string.Join('/', Enumerable.Repeat("a", 200)))); // linear, not exponential
    }

    [Fact]
    public void Conversations_keep_their_turns()
    {
        using var folder = new TempFolder();
        string path = folder.File("a.jsonl", "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\"}]}\n{\"text\":\"none\"}\n{\"question\":\"1+1\",\"answer\":\"2\"}\n{\"messages\":[{\"role\":\"robot\",\"content\":\"s\"}]}");
        var files = new TextFiles([path]);
        List<Conversation> conversations = [.. files.ReadConversations()];
        Assert.Equal([new("system", "s"), new("user", "q"), new("assistant", "a")], conversations[0].Turns);
        Assert.Equal([new("user", "1+1"), new("assistant", "2")], conversations[1].Turns);
        Assert.Equal([2L, 4], files.Report.Examples.Select(e => e.Line).Order());
    }

    /// <summary>A file of good and bad rows in random order: the reader must find exactly the bad ones, at their lines.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Bad_json_lines_are_counted_at_their_lines(int seed)
    {
        var random = new Random(seed);
        var options = new TextFileOptions { MaxRecordBytes = 300 + random.Next(200_000) };
        byte[][] bad =
        [
            "{\"text\":\"cut"u8.ToArray(), "{\"text\":\"nul \0\"}"u8.ToArray(), [.. "{\"text\":\""u8, 0xC3, 0x28, .. "\"}"u8], "[1,2]"u8.ToArray(), "{\"other\":1}"u8.ToArray(),
            Encoding.UTF8.GetBytes(new string('[', 10_000 > options.MaxRecordBytes ? 200 : 10_000)), "{\"text\":\"a\",\"text\":\"b\"}"u8.ToArray(), "{\"text\":\"\\uD800\"}"u8.ToArray(),
            Encoding.UTF8.GetBytes($"{{\"text\":\"{new string('x', options.MaxRecordBytes)}\"}}"), "{\"text\":\"  \"}"u8.ToArray(), "{\"text\":5}"u8.ToArray(), "null"u8.ToArray(),
        ];
        using var file = new MemoryStream();
        file.Write("\uFEFF"u8);
        List<long> expectedBad = [], expectedGood = [];
        const int Lines = 500;
        for (int line = 1; line <= Lines; line++)
        {
            bool isBad = random.Next(4) == 0;
            (isBad ? expectedBad : expectedGood).Add(line);
            file.Write(isBad ? bad[random.Next(bad.Length)] : Encoding.UTF8.GetBytes($"{{\"text\":\"row {line} é\"}}"));
            if (line < Lines) file.Write(random.Next(2) == 0 ? "\n"u8 : "\r\n"u8);
        }

        using var folder = new TempFolder();
        string path = folder.File("rows.jsonl", file.ToArray());
        var files = new TextFiles([path], options);
        List<Document> documents = [.. files.Read()];
        Assert.Equal(expectedGood.Select(l => $"row {l} é"), documents.Select(d => d.Text));
        Assert.Equal(expectedGood.Select(l => $"rows.jsonl#{l}"), documents.Select(d => d.Id));
        Assert.Equal(expectedBad.Count, files.Report.Skipped);
        Assert.Equal(expectedBad.Take(100), files.Report.Examples.Select(e => e.Line));
        Assert.Contains($"line {expectedBad[0]}:", Assert.Throws<DataFileException>(() => Read(path, options with { OnBad = BadRecords.Fail })).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Bad_csv_records_are_counted_at_their_first_lines(int seed)
    {
        var random = new Random(seed);
        using var file = new MemoryStream();
        file.Write("\uFEFFid,text,note\n"u8);
        int line = 2;
        List<long> expectedBad = [], expectedGood = [];
        for (int i = 0; i < 400; i++)
        {
            int kind = random.Next(10);
            byte[] record = kind switch
            {
                0 => "1,two fields"u8.ToArray(),
                1 => "1,a,b,c"u8.ToArray(),
                2 => [.. "1,"u8, 0xFF, .. ",x"u8],
                3 => "1,nul\0,x"u8.ToArray(),
                4 => "1,\"  \",x"u8.ToArray(),
                5 => "1,\"break\ninside \"\"it\"\"\",x"u8.ToArray(),
                _ => "1,plain text,x"u8.ToArray(),
            };
            (kind <= 4 ? expectedBad : expectedGood).Add(line);
            file.Write(record);
            file.Write(random.Next(2) == 0 ? "\n"u8 : "\r\n"u8);
            line += record.Count(b => b == '\n') + 1;
        }

        using var folder = new TempFolder();
        var files = new TextFiles([folder.File("rows.csv", file.ToArray())]);
        List<Document> documents = [.. files.Read()];
        Assert.Equal(expectedGood.Select(l => $"rows.csv#{l}"), documents.Select(d => d.Id));
        Assert.Equal(expectedBad.Count, files.Report.Skipped);
        Assert.Equal(expectedBad.Take(100), files.Report.Examples.Select(e => e.Line));
    }

    [Fact]
    public void An_unclosed_quote_costs_one_record_within_the_limit()
    {
        using var folder = new TempFolder();
        string rest = string.Concat(Enumerable.Range(0, 200).Select(i => $"{i},line {i}\n"));
        string path = folder.File("rows.csv", $"id,text\n1,good\n2,\"never closed\n{rest}");
        var files = new TextFiles([path], new TextFileOptions { MaxRecordBytes = 500 });
        List<Document> documents = [.. files.Read()];
        Assert.Equal(3, Assert.Single(files.Report.Examples).Line);
        Assert.Equal("good", documents[0].Text);
        Assert.Equal("line 199", documents[^1].Text);
    }

    [Fact]
    public void The_text_column_is_found_or_chosen()
    {
        using var folder = new TempFolder();
        string named = folder.File("a.csv", "label,sentence\n0,hello there\n1,more\n");
        string bare = folder.File("b.csv", "A plane is taking off.,An air plane is taking off now.,5.0\nShort.,Longer sentence here.,1.0\n");
        Assert.Equal(["hello there", "more"], Read(named).Select(d => d.Text));
        Assert.Equal(["0", "1"], Read(named, new TextFileOptions { TextColumn = "label" }).Select(d => d.Text));
        Assert.Equal(["An air plane is taking off now.", "Longer sentence here."], Read(bare).Select(d => d.Text));
        Assert.Equal(["A plane is taking off.", "Short."], Read(bare, new TextFileOptions { TextColumn = "0" }).Select(d => d.Text));
        Assert.Contains("'nothing'", Assert.Throws<DataFileException>(() => Read(named, new TextFileOptions { TextColumn = "nothing" })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Long_lines_cost_bounded_memory()
    {
        using var stream = new Repeated((byte)'x', 300_000_000L, "\n{}"u8.ToArray());
        long before = GC.GetAllocatedBytesForCurrentThread();
        List<TextLine> lines = [.. LineReader.Read(stream, 1 << 20)];
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal([1L, 2], lines.Select(l => l.Number));
        Assert.NotNull(lines[0].Fault);
        Assert.Null(lines[1].Fault);
        Assert.InRange(allocated, 0, 8 << 20);
    }

    [Fact]
    public void Binary_files_are_named_with_the_byte()
    {
        using var folder = new TempFolder();
        string nul = folder.File("a.txt", [.. "abc"u8, 0, 1]), latin = folder.File("b.txt", [.. "caf"u8, 0xE9]);
        Assert.Contains("byte 3", Assert.Throws<DataFileException>(() => Read(nul)).Message, StringComparison.Ordinal);
        Assert.Contains("byte 3: expected UTF-8 text, got the byte 0xE9", Assert.Throws<DataFileException>(() => Read(latin)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_to_read_is_an_error()
    {
        using var folder = new TempFolder();
        Assert.Contains("No text file", Assert.Throws<CratonException>(() => Read(folder.Root)).Message, StringComparison.Ordinal);
        Assert.Contains("does not exist", Assert.Throws<CratonException>(() => Read(folder.At("none.txt"))).Message, StringComparison.Ordinal);
        string empty = folder.File("a.jsonl", "\n"), bad = folder.File("b.jsonl", "\n{]\n");
        Assert.Contains("No document", Assert.Throws<CratonException>(() => Read(empty)).Message, StringComparison.Ordinal);
        Assert.Contains("line 2", Assert.Throws<CratonException>(() => Read(bad)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Decompression_is_bounded()
    {
        using var folder = new TempFolder();
        string bomb = folder.File("a.txt.gz", TempFolder.Gzip(new byte[40 << 20]));
        Assert.Contains("bomb", Assert.Throws<DataFileException>(() => Read(bomb)).Message, StringComparison.Ordinal);
        byte[] whole = TempFolder.Gzip(Encoding.UTF8.GetBytes(Make.Prose(1, 2000)));
        string cut = folder.File("b.txt.gz", whole[..(whole.Length / 2)]);
        Assert.Contains("damaged", Assert.Throws<DataFileException>(() => Read(cut)).Message, StringComparison.Ordinal);
        string large = folder.File("c.txt", new string('x', 2000));
        Assert.Contains("larger than", Assert.Throws<DataFileException>(() => Read(large, new TextFileOptions { MaxDocumentBytes = 1000 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Deeply_nested_pages_end_quickly()
    {
        using var folder = new TempFolder();
        string html = folder.File("a.html", string.Concat(Enumerable.Repeat("<div>", 20_000)) + "x"), markdown = folder.File("b.md", new string('>', 20_000) + " x");
        Assert.Throws<DataFileException>(() => Read(html));
        try
        {
            Assert.NotEmpty(Read(markdown));
        }
        catch (DataFileException)
        {
            // Either answer is right; an endless loop or an overflow of the stack is not.
        }
    }

    [Fact]
    public void Word_documents_give_their_paragraphs()
    {
        using var folder = new TempFolder();
        string path = folder.At("a.docx");
        using (var word = WordprocessingDocument.Create(path, WordprocessingDocumentType.Document))
        {
            word.AddMainDocumentPart().Document = new DocumentFormat.OpenXml.Wordprocessing.Document(new Body(
                new Paragraph(new Run(new Text("First") { Space = SpaceProcessingModeValues.Preserve }, new TabChar(), new Text("paragraph"))), new Paragraph(new Run(new Text("Second")))));
        }

        Assert.Equal("First\tparagraph\nSecond", Assert.Single(Read(path)).Text);
        string damaged = folder.File("b.docx", "no zip");
        Assert.Contains("Word", Assert.Throws<DataFileException>(() => Read(damaged)).Message, StringComparison.Ordinal);
    }

    /// <summary>A stream of one byte many times over, then a tail: a huge file without the file.</summary>
    private sealed class Repeated(byte value, long count, byte[] tail) : Stream
    {
        private long _left = count;
        private int _tail;

        public override int Read(Span<byte> buffer)
        {
            if (_left > 0)
            {
                int n = (int)Math.Min(buffer.Length, _left);
                buffer[..n].Fill(value);
                _left -= n;
                return n;
            }

            int rest = Math.Min(buffer.Length, tail.Length - _tail);
            tail.AsSpan(_tail, rest).CopyTo(buffer);
            _tail += rest;
            return rest;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
