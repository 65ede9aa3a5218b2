using System.Diagnostics;
using Craton.Tensors;
using Xunit.Abstractions;

namespace Craton.Data.Tests;

public class DotNetDocsTests(ITestOutputHelper output)
{
    private const string Sample = """
        <?xml version="1.0"?>
        <doc><assembly><name>Demo</name></assembly><members>
          <member name="T:Demo.Box`1"><summary>A <c>box</c> of <typeparamref name="TItem" />.</summary><typeparam name="TItem">The type of item.</typeparam></member>
          <member name="T:Demo.Box`1.Lid"><summary>The lid of a <see cref="T:Demo.Box`1" />.</summary></member>
          <member name="M:Demo.Box`1.#ctor(System.Int32)"><summary>Makes a box.</summary><param name="size">How
             big; not <see langword="null" />.</param></member>
          <member name="M:Demo.Box`1.Map``1(System.Func{`0,``0},System.Nullable{System.Int32}@,System.String[])">
            <summary>Maps.</summary><typeparam name="TResult">Result.</typeparam>
            <returns>A box.

        -or-

        <see langword="null" /> if <paramref name="f" /> is empty.</returns>
            <exception cref="T:System.ArgumentNullException"><paramref name="f" /> is <see langword="null" />.</exception>
            <remarks><para>First.</para><para>Second: <see href="https://example.org">a page</see>.</para><list type="bullet"><item><term>a</term><description>alpha</description></item><item><description>beta</description></item></list><code>
                var x = 1;
                  if (x &lt; 2) x++;
            </code></remarks>
          </member>
          <member name="M:Demo.Box`1.System#Collections#Generic#IEnumerable{TItem}#GetEnumerator"><summary>Enumerates.</summary></member>
          <member name="M:Demo.Box`1.op_Implicit(`0)~Demo.Box{`0}"><summary>Wraps.</summary></member>
          <member name="P:Demo.Box`1.Item(System.Int32)"><summary>Gets an item.</summary><value>The item.</value></member>
          <member name="F:Demo.Plain.Size"><summary>A size.</summary></member>
          <member name="F:Demo.Plain.Nothing" />
        </members></doc>
        """;

    private static IReadOnlyList<ApiMember> ReadSample()
    {
        using var folder = new TempFolder();
        folder.File("packs/Demo.Ref/9.0.9/ref/net9.0/Demo.xml", Sample.Replace("Maps.", "Old.", StringComparison.Ordinal));
        folder.File("packs/Demo.Ref/10.0.0-rc.1/ref/net10.0/Demo.xml", Sample.Replace("Maps.", "Preview.", StringComparison.Ordinal));
        folder.File("packs/Demo.Ref/10.0.0/ref/net8.0/Demo.xml", Sample.Replace("Maps.", "Old framework.", StringComparison.Ordinal));
        folder.File("packs/Demo.Ref/10.0.0/ref/net10.0/Demo.xml", Sample);
        folder.File("packs/Demo.Ref/10.0.0/ref/net10.0/Facade.xml", Sample.Replace("Maps.", "Again.", StringComparison.Ordinal));
        return DotNetDocs.ReadMembers(folder.Root);
    }

    [Fact]
    public void Members_of_the_newest_version_are_read_once_and_named_readably()
    {
        IReadOnlyList<ApiMember> members = ReadSample();
        Assert.Equal(
            [
                "Demo.Box<TItem>", "Demo.Box<TItem>.Lid", "Demo.Box<TItem>.Box(int)", "Demo.Box<TItem>.Map<TResult>(Func<TItem, TResult>, ref int?, string[])",
                "Demo.Box<TItem>.IEnumerable.GetEnumerator()", "Demo.Box<TItem>.implicit operator(TItem) : Box<TItem>", "Demo.Box<TItem>.Item[int]", "Demo.Plain.Size",
            ],
            members.Select(m => m.Signature));
        Assert.All(members, m => Assert.Equal("Demo", m.Namespace));
        Assert.All(members.Take(7), m => Assert.Equal("Demo.Box<TItem>", m.Group));
        Assert.Equal("Demo.Plain", members[7].Group);
        Assert.Equal([ApiMemberKind.Type, ApiMemberKind.Type, ApiMemberKind.Constructor, ApiMemberKind.Method, ApiMemberKind.Method, ApiMemberKind.Operator, ApiMemberKind.Property, ApiMemberKind.Field], members.Select(m => m.Kind));
    }

    [Fact]
    public void Tags_become_text()
    {
        ApiMember map = ReadSample()[3];
        Assert.Equal("Maps.", map.Summary);
        Assert.Equal("A box.\n\n-or-\n\nnull if f is empty.", map.Returns);
        Assert.Equal([new ApiPart("ArgumentNullException", "f is null.")], map.Exceptions);
        Assert.Equal("First.\n\nSecond: a page.\n\n- a: alpha\n- beta\n\nvar x = 1;\n  if (x < 2) x++;", map.Remarks);
        Assert.Equal("A box of TItem.", ReadSample()[0].Summary);
        Assert.Equal("The lid of a Box.", ReadSample()[1].Summary);
        Assert.Equal(
            "Constructor Demo.Box<TItem>.Box(int)\n\nMakes a box.\n\nParameters:\n- size: How big; not null.",
            ReadSample()[2].ToText());
    }

    [Theory]
    [InlineData("T:System.Int32", "Int32")]
    [InlineData("T:System.Collections.Generic.List`1", "List")]
    [InlineData("M:System.String.Substring(System.Int32)", "String.Substring")]
    [InlineData("M:System.String.#ctor(System.Char[])", "String")]
    [InlineData("P:A.B.C{D.E}.F", "C{D.E}.F")]
    [InlineData("N:System.IO", "System.IO")]
    [InlineData("Overload:System.Math.Max", "Math.Max")]
    [InlineData("System.Diagnostics.Activity", "Activity")]
    public void Short_names(string id, string expected) => Assert.Equal(expected, MemberName.Short(id));

    [Theory]
    [InlineData("<doc><members><member name=\"M:A.B(\"><summary>x</summary></member><member name=\"M:A.\"><summary>y</summary></member><member name=\"M:.(){,}~\"><summary>z</summary></member><member name=\"T:``\"><summary>z</summary></member></members></doc>")]
    [InlineData("<doc><members><member name=\"M:A.B({{{{,[,,@*\"><summary>x</summary></member></members></doc>")]
    public void Damaged_ids_do_not_break_reading(string xml)
    {
        using var folder = new TempFolder();
        folder.File("Demo.xml", xml);
        Assert.NotEmpty(DotNetDocs.ReadMembers(folder.Root));
    }

    [Theory]
    [InlineData("<doc><members>")]
    [InlineData("not xml")]
    [InlineData("<!DOCTYPE doc [<!ENTITY a \"b\">]><doc>&a;</doc>")]
    public void Damaged_files_are_named(string xml)
    {
        using var folder = new TempFolder();
        folder.File("Demo.xml", xml);
        Assert.Contains("Demo.xml", Assert.Throws<CratonException>(() => DotNetDocs.ReadMembers(folder.Root)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nesting_is_bounded()
    {
        using var folder = new TempFolder();
        string deep = string.Concat(Enumerable.Repeat("<b>", 5000)) + "x" + string.Concat(Enumerable.Repeat("</b>", 5000));
        folder.File("Demo.xml", $"<doc><members><member name=\"T:A.B\"><summary>{deep}</summary></member></members></doc>");
        Assert.Throws<CratonException>(() => DotNetDocs.ReadMembers(folder.Root));
    }

    [Fact]
    public void A_folder_without_documentation_says_what_to_do()
    {
        using var folder = new TempFolder();
        Assert.Contains("SDK", Assert.Throws<CratonException>(() => DotNetDocs.ReadMembers(folder.Root)).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Category", "Golden")]
    public void The_documentation_of_this_machine_goes_through_the_whole_pipeline()
    {
        var clock = Stopwatch.StartNew();
        IReadOnlyList<ApiMember> members = DotNetDocs.ReadMembers();
        TimeSpan read = clock.Elapsed;
        CleaningPipeline pipeline = CleaningPipeline.Docs();
        long characters = members.Sum(m => (long)m.ToText().Length), kept = 0;
        int documents = pipeline.Apply(members.Select(m => m.ToDocument())).Count(d => (kept += d.Text.Length) > 0);
        output.WriteLine($"{members.Count} members, {characters / 1e6:F1} M characters read in {read.TotalSeconds:F1} s; {documents} documents, {kept / 1e6:F1} M characters after cleaning, {clock.Elapsed.TotalSeconds:F1} s in all; peak {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MiB");
        foreach (RuleReport report in pipeline.Reports)
            output.WriteLine($"{report.Rule}: {report.Seen} -> {report.Kept}; dropped {string.Join(", ", report.DroppedByReason)}; changed {string.Join(", ", report.ChangedByReason)}");

        Assert.True(members.Count > 50_000);
        Assert.Equal(members.Count, members.Select(m => m.Id).Distinct().Count());
        ApiMember substring = members.Single(m => m.Id == "M:System.String.Substring(System.Int32,System.Int32)");
        Assert.Equal("System.String.Substring(int, int)", substring.Signature);
        Assert.Equal("startIndex", substring.Parameters[0].Name);
        Assert.Contains("startIndex plus length indicates a position not within this instance.", substring.Exceptions[0].Text, StringComparison.Ordinal);
        ApiMember tryGet = members.Single(m => m.Id == "M:System.Collections.Generic.Dictionary`2.TryGetValue(`0,`1@)");
        Assert.Equal("System.Collections.Generic.Dictionary<TKey, TValue>.TryGetValue(TKey, ref TValue)", tryGet.Signature);
        ApiMember nested = members.Single(m => m.Id == "M:System.Collections.Generic.Dictionary`2.KeyCollection.Enumerator.MoveNext");
        Assert.Equal(("System.Collections.Generic", "System.Collections.Generic.Dictionary<TKey, TValue>"), (nested.Namespace, nested.Group));
        Assert.All(members, m => Assert.DoesNotContain('`', m.Signature));
    }
}
