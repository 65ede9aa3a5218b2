using System.Diagnostics;
using System.Text;
using Craton.Inference.Constraints;
using Xunit.Abstractions;

namespace Craton.Inference.Tests.Constraints;

/// <summary>Prints what a mask of 50,000 tokens costs; the bounds are loose, for machines that are busy.</summary>
public sealed class SpeedTests(ITestOutputHelper output)
{
    [Fact]
    public void Masks_of_a_large_vocabulary()
    {
        ConstraintVocabulary vocabulary = Large(50_000);
        foreach ((string name, string schema) in new[] { ("any JSON", "{}"), ("two strings", Schemas.All[43]), ("length", """{"type":"string","maxLength":2000}"""), ("recursive", Schemas.All[40]) })
        {
            // The least of several rounds, step by step, for others use the machine as well.
            var cold = new List<List<double>>();
            var warm = new List<List<double>>();
            double compile = double.MaxValue;
            for (int round = 0; round < 5; round++)
            {
                var watch = Stopwatch.StartNew();
                TokenGrammar bound = Grammar.FromJsonSchema(schema).Bind(vocabulary);
                compile = Math.Min(compile, watch.Elapsed.TotalMilliseconds);
                cold.Add(Run(bound, 1));
                warm.Add(Run(bound, 1));
            }

            output.WriteLine($"{name}: compiled in {compile:F1} ms; new states: {Summary(cold)}; states met before: {Summary(warm)}; {warm[0].Count} tokens");
            Assert.True(Least(warm)[warm[0].Count / 2] < 5, $"{name}: {Summary(warm)}");
        }
    }

    private static List<double> Run(TokenGrammar bound, int seed)
    {
        var random = new Random(seed);
        var mask = new uint[(bound.Vocabulary.Size + 31) / 32];
        var times = new List<double>();
        TokenConstraint constraint = bound.Start();
        var writer = new RandomText(bound.Vocabulary, seed);
        for (int i = 0; i < 120 && !constraint.IsFinished; i++)
        {
            long start = Stopwatch.GetTimestamp();
            constraint.Allowed(mask);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            List<int> allowed = writer.Allowed(constraint);
            start = Stopwatch.GetTimestamp();
            int token = allowed[random.Next(allowed.Count)];
            if (token == bound.Vocabulary.EndOfText[0])
                break;
            constraint.Accept(token);
            times[^1] += Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        return times;
    }

    private static double[] Least(List<List<double>> rounds) => [.. Enumerable.Range(0, rounds[0].Count).Select(i => rounds.Min(r => r[i])).Order()];

    private static string Summary(List<List<double>> rounds) => $"median {Least(rounds)[rounds[0].Count / 2]:F3} ms, worst {Least(rounds)[^1]:F2} ms";

    // Bytes, and words with a blank or punctuation as a trained vocabulary has them.
    private static ConstraintVocabulary Large(int size)
    {
        var random = new Random(9);
        var tokens = new HashSet<string>();
        string[] before = ["", "", "", " ", " ", " ", "\"", ",", "(", ".", "\n", " \""], after = ["", "", "", "", "", "", "\"", "\":", ",", "\",", ".", "}"];
        while (tokens.Count < size - 257)
        {
            var word = new StringBuilder();
            for (int length = random.Next(1, 9); length > 0; length--)
                word.Append(random.Next(40) == 0 ? "éüжд日"[random.Next(5)] : (char)('a' + random.Next(26)));
            tokens.Add(before[random.Next(before.Length)] + (random.Next(12) == 0 ? $"{random.Next(1000)}" : word) + after[random.Next(after.Length)]);
        }

        byte[][] all = [.. Enumerable.Range(0, 256).Select(b => new[] { (byte)b }), .. tokens.Select(Encoding.UTF8.GetBytes), []];
        return new ConstraintVocabulary(all, [all.Length - 1]);
    }
}
