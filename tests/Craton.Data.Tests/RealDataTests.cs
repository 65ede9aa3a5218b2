using Xunit.Abstractions;

namespace Craton.Data.Tests;

[Trait("Category", "Golden")]
public class RealDataTests(ITestOutputHelper output)
{
    private static readonly string? s_data = Environment.GetEnvironmentVariable("CRATON_DATA");

    [Fact]
    public async Task Every_set_of_the_catalogue_comes_from_the_mirror()
    {
        if (s_data is null)
        {
            output.WriteLine("skipped: CRATON_DATA is not set (a folder with the public sets)");
            return;
        }

        using var cache = new TempFolder();
        foreach (CatalogueSet set in DatasetCatalogue.Sets)
        {
            IReadOnlyList<string> files = await DatasetCatalogue.PullAsync(set.Name, new PullOptions { From = s_data, Cache = cache.Root });
            Assert.Equal(set.Files.Count, files.Count);
            output.WriteLine($"{set.Name}: {files.Count} files");
        }
    }

    [Theory]
    [InlineData("sst2/train.tsv", 6920, 0)]
    [InlineData("banking77/train.csv.gz", 10003, 0)]
    [InlineData("stsb/stsb-en-train.csv.gz", 5749, 0)]
    [InlineData("gsm8k/train.jsonl.gz", 7473, 0)]
    [InlineData("mbpp/mbpp.jsonl.gz", 974, 0)]
    [InlineData("instructions/rasbt-instruction-data.json", 1100, 0)]
    [InlineData("instructions/dolly-hhrlhf-small.jsonl.gz", 1000, 0)]
    [InlineData("subjqa/restaurants-train.csv.gz", 2561, 0)]
    [InlineData("names/names.txt", 32033, 0)]
    public void Known_files_have_their_known_number_of_rows(string file, int rows, int bad)
    {
        if (s_data is null)
        {
            output.WriteLine("skipped: CRATON_DATA is not set");
            return;
        }

        var files = new TextFiles([Path.Combine(s_data, file)], new TextFileOptions { LinePerDocument = true });
        Assert.Equal(rows, files.Read().Count());
        output.WriteLine(string.Join('\n', files.Report.Examples));
        Assert.Equal(bad, files.Report.Skipped);
    }
}
