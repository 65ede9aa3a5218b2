using Craton.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace Craton.Data.Tests;

public class LoaderTests
{
    private const int Context = 16, End = 256;

    private sealed record Batch(int[] Inputs, int[] Targets, int[] Documents, int[] Positions)
    {
        public static Batch Next(BatchLoader loader, int rows)
        {
            int n = rows * loader.Context;
            var batch = new Batch(new int[n], new int[n], new int[n], new int[n]);
            loader.Next(batch.Inputs, batch.Targets, batch.Documents, batch.Positions);
            return batch;
        }

        public string Text => string.Join(' ', [.. Inputs, .. Targets, .. Documents, .. Positions]);
    }

    /// <summary>Documents of distinct tokens, so that every token tells where it comes from; each ends with 256.</summary>
    private static int[][] Documents(int count, int seed = 1, int first = 1000)
    {
        var random = new Random(seed);
        int next = first;
        return [.. Enumerable.Range(0, count).Select(_ => (int[])[.. Enumerable.Range(0, random.Next(0, 40)).Select(_ => next++), End])];
    }

    [Fact]
    public void Every_permutation_is_one()
    {
        foreach (int count in new[] { 1, 2, 3, 5, 16, 17, 100, 1000, 4097 })
        {
            var order = new Permutation(count, 42);
            long[] places = [.. Enumerable.Range(0, count).Select(i => order[i])];
            Assert.Equal(Enumerable.Range(0, count).Select(i => (long)i), places.Order());
            if (count >= 100) Assert.NotEqual(places, Enumerable.Range(0, count).Select(i => new Permutation(count, 43)[i]));
        }

        var large = new Permutation(long.MaxValue, 1);
        Assert.Equal(1000, Enumerable.Range(0, 1000).Select(i => large[i]).Distinct().Count());
    }

    [Fact]
    public void Permutations_of_different_keys_are_spread_evenly()
    {
        // Each of the 120 orders of 5 things, over 12,000 keys: about 100 times each. Chi-squared with 119 degrees stays below 180.
        var counts = new Dictionary<string, int>();
        for (int key = 0; key < 12_000; key++)
        {
            var order = new Permutation(5, StableHash.Combine(7, (ulong)key));
            string name = string.Concat(Enumerable.Range(0, 5).Select(i => order[i]));
            counts[name] = counts.GetValueOrDefault(name) + 1;
        }

        Assert.Equal(120, counts.Count);
        Assert.InRange(counts.Values.Sum(c => (c - 100.0) * (c - 100) / 100), 60, 180);
    }

    [Fact]
    public void An_epoch_holds_every_token_once_and_learns_each_but_the_first_of_its_document()
    {
        int[][] documents = Documents(100);
        var store = new MemoryTokens(documents);
        var loader = new TokenLoader(store, Context, new TokenLoaderOptions { Seed = 5 });
        Batch batch = Batch.Next(loader, (int)((store.Tokens + Context - 1) / Context));
        int tokens = (int)store.Tokens;
        Assert.Equal(documents.SelectMany(d => d).Order(), batch.Inputs.Take(tokens).Order());
        Assert.Equal(documents.SelectMany(d => d.Skip(1)).Order(), batch.Targets.Take(tokens).Where(t => t != BatchLoader.Ignore).Order());
        Dictionary<int, int> following = documents.SelectMany(d => d.Zip(d.Skip(1))).ToDictionary(p => p.First, p => p.Second);
        for (int i = 0; i < tokens; i++)
        {
            Assert.Equal(batch.Inputs[i] == End ? BatchLoader.Ignore : following[batch.Inputs[i]], batch.Targets[i]);
            bool begins = i % Context == 0 || batch.Inputs[i - 1] == End;
            Assert.Equal(begins ? 0 : batch.Positions[i - 1] + 1, batch.Positions[i]);
            Assert.Equal(i % Context == 0 ? 0 : batch.Documents[i - 1] + (begins ? 1 : 0), batch.Documents[i]);
        }
    }

    [Fact]
    public void Without_isolation_a_row_is_one_stretch_of_text()
    {
        var loader = new TokenLoader(new MemoryTokens(Documents(50)), Context, new TokenLoaderOptions { Isolate = false, Shuffle = false });
        Batch batch = Batch.Next(loader, 100);
        Assert.Equal(batch.Inputs.Skip(1), batch.Targets.SkipLast(1));
        Assert.All(batch.Documents, d => Assert.Equal(0, d));
        Assert.Equal(Enumerable.Range(0, batch.Inputs.Length).Select(i => i % Context), batch.Positions);
        int[] flat = [.. Documents(50).SelectMany(d => d)];
        Assert.Equal(Enumerable.Range(0, 100 * Context).Select(i => flat[i % flat.Length]), batch.Inputs);
    }

    [Fact]
    public void Epochs_differ_and_seeds_differ()
    {
        int[][] documents = [.. Enumerable.Range(0, 64).Select(i => Enumerable.Range(i * 16, 16).ToArray())];
        int[] Epochs(ulong seed, int rows) => Batch.Next(new TokenLoader(new MemoryTokens(documents), Context, new TokenLoaderOptions { Seed = seed }), rows).Inputs;
        int[] two = Epochs(1, 128);
        Assert.Equal(two.Take(1024).Order(), two.Skip(1024).Order());
        Assert.NotEqual(two.Take(1024), two.Skip(1024));
        Assert.NotEqual(two, Epochs(2, 128));
        Assert.Equal(two, Epochs(1, 128));
    }

    [Fact]
    public void A_loader_resumes_exactly_at_any_row()
    {
        Func<BatchLoader>[] kinds =
        [
            () => new TokenLoader(new MemoryTokens(Documents(40)), Context, new TokenLoaderOptions { Seed = 3 }),
            () => new TokenLoader(new MemoryTokens(Documents(40)), Context, new TokenLoaderOptions { Isolate = false }),
            () => new TokenLoader([new MixturePart(new MemoryTokens(Documents(40)), 3), new MixturePart(new MemoryTokens(Documents(7, 2, 9000)), 1.5)], Context),
            () => new RandomWindows(new MemoryTokens(Enumerable.Range(0, 100).ToArray()), Context, 9),
            () => new PackedRows(Examples(60), Context, 4),
        ];
        Prop.ForAll(Gen.Choose(0, 150).ToArbitrary(), Gen.Choose(0, kinds.Length - 1).ToArbitrary(), (rows, kind) =>
        {
            BatchLoader straight = kinds[kind](), first = kinds[kind](), second = kinds[kind]();
            if (rows > 0) Batch.Next(straight, rows);
            for (int i = 0; i < rows; i++) Batch.Next(first, 1); // other batches, same rows
            string json = System.Text.Json.JsonSerializer.Serialize(first.State);
            second.State = System.Text.Json.JsonSerializer.Deserialize<LoaderState>(json)!;
            return Batch.Next(straight, 40).Text == Batch.Next(second, 40).Text && System.Text.Json.JsonSerializer.Serialize(second.State) == System.Text.Json.JsonSerializer.Serialize(straight.State);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Skipped_rows_are_those_of_the_other_ranks()
    {
        TokenLoader Loader() => new(new MemoryTokens(Documents(40)), Context);
        TokenLoader one = Loader(), two = Loader();
        Batch all = Batch.Next(one, 8);
        two.Skip(3);
        Assert.Equal(all.Inputs[(3 * Context)..(5 * Context)], Batch.Next(two, 2).Inputs);
    }

    [Fact]
    public void A_state_of_other_data_is_refused()
    {
        var loader = new TokenLoader(new MemoryTokens(Documents(40)), Context);
        LoaderState state = loader.State;
        Assert.Throws<CratonException>(() => new TokenLoader(new MemoryTokens(Documents(41)), Context).State = state);
        Assert.Throws<CratonException>(() => new TokenLoader(new MemoryTokens(Documents(40)), Context + 1).State = state);
        Assert.Throws<CratonException>(() => loader.State = state with { Sources = [new SourceCursor(0, 4000, 0, 0)] });
        Assert.Throws<CratonException>(() => loader.State = state with { Sources = [new SourceCursor(0, 0, 400, 0)] });
    }

    [Fact]
    public void Mixtures_keep_their_proportions_at_any_moment()
    {
        var loader = new TokenLoader([new MixturePart(new MemoryTokens(Documents(40)), 0.7), new MixturePart(new MemoryTokens(Documents(40, 2)), 0.2), new MixturePart(new MemoryTokens(Documents(9, 3)), 0.1)], Context);
        for (int rows = 1; rows <= 300; rows++)
        {
            Batch.Next(loader, 1);
            LoaderState state = loader.State;
            Assert.Equal(rows, state.Rows);
            Assert.InRange(state.Sources[0].Rows, 0.7 * rows - 1, 0.7 * rows + 1);
            Assert.InRange(state.Sources[1].Rows, 0.2 * rows - 1, 0.2 * rows + 1);
            Assert.InRange(state.Sources[2].Rows, 0.1 * rows - 1, 0.1 * rows + 1);
        }
    }

    [Fact]
    public void Nothing_is_allocated_per_batch()
    {
        using var folder = new TempFolder();
        ShardBuilder.Build(folder.At("data"), Enumerable.Range(0, 200).Select(i => Make.Doc(Make.Prose(i, 30), $"{i}")), new ByteTokenizer(), new Splitter(0, 0));
        using var shards = new TokenShards(folder.At("data"), Split.Train);
        BatchLoader[] loaders = [new TokenLoader(shards, Context), new RandomWindows(shards, Context), new PackedRows(Examples(50), Context)];
        int[] inputs = new int[64 * Context], targets = new int[64 * Context], documents = new int[64 * Context], positions = new int[64 * Context];
        foreach (BatchLoader loader in loaders)
        {
            for (int i = 0; i < 50; i++) loader.Next(inputs, targets, documents, positions);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 50; i++) loader.Next(inputs, targets, documents, positions);
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    [Fact]
    public void Random_windows_follow_the_text_and_reach_all_of_it()
    {
        var store = new MemoryTokens(Enumerable.Range(0, 50).ToArray());
        Batch batch = Batch.Next(new RandomWindows(store, Context, 1), 2000);
        Assert.Equal(batch.Inputs.Select(i => i + 1), batch.Targets);
        Assert.Equal(Enumerable.Range(0, 50 - Context), batch.Inputs.Where((_, i) => i % Context == 0).Distinct().Order());
        Batch parts = Batch.Next(new RandomWindows(store, Context, 1), 5);
        Assert.Equal(batch.Inputs.Take(5 * Context), parts.Inputs);
    }

    [Fact]
    public void Degenerate_data_is_refused_or_gives_ignored_targets_only()
    {
        Assert.Throws<CratonException>(() => new TokenLoader(new MemoryTokens(Array.Empty<int[]>()), Context));
        Assert.Throws<CratonException>(() => new TokenLoader(new MemoryTokens([[], []]), Context));
        Assert.Throws<CratonException>(() => new TokenLoader([], Context));
        Assert.Throws<CratonException>(() => new TokenLoader([new MixturePart(new MemoryTokens([1, 2]), 0)], Context));
        Assert.Throws<CratonException>(() => new TokenLoader(new MemoryTokens([1, 2]), 0));
        Assert.Throws<CratonException>(() => new RandomWindows(new MemoryTokens(new int[Context]), Context));
        Assert.Throws<ArgumentException>(() => new TokenLoader(new MemoryTokens([1, 2]), Context).Next(new int[15], new int[15], new int[15], new int[15]));
        Batch single = Batch.Next(new TokenLoader(new MemoryTokens([[End], [], [End]]), Context), 2);
        Assert.All(single.Targets, t => Assert.Equal(BatchLoader.Ignore, t));
        Assert.Equal(Enumerable.Range(0, 2 * Context).Select(i => i % Context), single.Documents);
    }

    private static MaskedExample[] Examples(int count)
    {
        var random = new Random(count);
        int next = 1000;
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            int length = random.Next(2, Context + 1);
            return new MaskedExample([.. Enumerable.Range(0, length).Select(_ => next++)], [.. Enumerable.Range(0, length).Select(i => i > length / 2 || i == length - 1)]);
        })];
    }

    [Fact]
    public void Packed_rows_hold_every_example_whole_and_apart()
    {
        MaskedExample[] examples = Examples(200);
        var loader = new PackedRows(examples, Context, seed: 2, padId: 7);
        Assert.True(loader.Fill > 0.9, $"{loader.Fill}");
        Batch epoch = Batch.Next(loader, loader.RowsPerEpoch);
        Assert.Equal(examples.SelectMany(e => e.Ids.SkipLast(1)).Order(), epoch.Inputs.Where(i => i >= 1000).Order());
        Assert.Equal(examples.SelectMany(e => e.Ids.Where((_, i) => i > 0 && e.Learn[i])).Order(), epoch.Targets.Where(t => t != BatchLoader.Ignore).Order());
        for (int i = 0; i < epoch.Inputs.Length; i++)
        {
            bool pad = epoch.Inputs[i] == 7;
            if (epoch.Positions[i] > 0) Assert.Equal((epoch.Documents[i - 1], pad ? 7 : epoch.Inputs[i - 1] + 1), (epoch.Documents[i], epoch.Inputs[i]));
            else if (i % Context != 0) Assert.Equal(epoch.Documents[i - 1] + 1, epoch.Documents[i]);
            if (pad) Assert.Equal(BatchLoader.Ignore, epoch.Targets[i]);
            else if (epoch.Targets[i] != BatchLoader.Ignore) Assert.Equal(epoch.Inputs[i] + 1, epoch.Targets[i]);
        }

        Batch next = Batch.Next(loader, loader.RowsPerEpoch);
        Assert.Equal(epoch.Inputs.Order(), next.Inputs.Order());
        Assert.NotEqual(epoch.Inputs, next.Inputs);
    }

    [Fact]
    public void Packed_rows_cut_long_examples_and_refuse_data_that_teaches_nothing()
    {
        var loader = new PackedRows([new MaskedExample([.. Enumerable.Range(1, 30)], [.. Enumerable.Repeat(true, 30)]), new MaskedExample([5], [true])], Context);
        Assert.Equal((1, 1, 1), (loader.RowsPerEpoch, loader.Truncated, loader.TooShort));
        Assert.Equal(Enumerable.Range(2, Context), Batch.Next(loader, 1).Targets);
        Assert.Contains("masked", Assert.Throws<CratonException>(() => new PackedRows([new MaskedExample([1, 2, 3], [true, false, false])], Context)).Message, StringComparison.Ordinal);
        Assert.Throws<CratonException>(() => new PackedRows([], Context));
    }
}
