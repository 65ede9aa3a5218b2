using System.CommandLine;
using Craton.Tensors;
using Craton.Tensors.Threading;
using Craton.Tokenizers;

namespace Craton.Cli;

/// <summary>
/// What all verbs share: <c>--json</c>, <c>--threads</c>, <c>--seed</c>, and the exit codes. 0: done. 2: the user can mend it, said in one
/// sentence. 1: a failure of ours.
/// </summary>
internal static class CommandLine
{
    public static readonly Option<bool> Json = new("--json") { Description = "Print exactly one JSON object on standard output; progress goes to standard error", Recursive = true };

    public static readonly Option<int?> Threads = new("--threads") { Description = "Worker threads (default: CRATON_THREADS, or all cores)", Recursive = true };

    public static readonly Option<ulong?> Seed = new("--seed") { Description = "Seed of everything random", Recursive = true };

    public static int Run(IEnumerable<Verb> verbs, string[] args)
    {
        var root = new RootCommand("Craton: the whole life of a foundation model, in .NET.");
        root.Options.Add(Json);
        root.Options.Add(Threads);
        root.Options.Add(Seed);
        foreach (Verb verb in verbs) root.Subcommands.Add(verb.Build());
        ParseResult parsed = root.Parse(args);
        if (ParseProblem.Of(parsed) is { } problem)
        {
            Console.Error.WriteLine($"craton: {problem}");
            return 2;
        }
        // Verbs handle Ctrl-C themselves: training saves, a chat ends its answer.
        return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    }

    /// <summary>Runs a verb's work and turns its failure into one line and an exit code.</summary>
    public static int Guard(ParseResult parsed, Func<Output, int> work)
    {
        var output = new Output(parsed.GetValue(Json));
        try
        {
            if (parsed.GetValue(Threads) is { } threads)
            {
                if (threads is < 1 or > 1024) throw new CratonException($"--threads: expected 1 to 1024, got {threads}");
                WorkerPool.SetThreads(threads);
            }
            return work(output);
        }
        catch (Exception e) when (Sentence(e) is { } sentence)
        {
            output.Error(sentence);
            return 2;
        }
        catch (OutOfMemoryException)
        {
            output.Error("memory ran out; choose a smaller model, batch or context (--set model.depth=…, --set train.batch=…)");
            return 1;
        }
        catch (Exception e) when (Environment.GetEnvironmentVariable("CRATON_DEBUG") is null)
        {
            output.Error($"{e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")} (set CRATON_DEBUG=1 for the stack)");
            return 1;
        }
    }

    // What the user can mend; null for the rest. Work on several threads wraps what went wrong.
    private static string? Sentence(Exception error) => error switch
    {
        CratonException or TokenizerException => error.Message,
        AggregateException { InnerException: { } inner } => Sentence(inner),
        IOException or UnauthorizedAccessException when error.Message.Contains(';', StringComparison.Ordinal) => error.Message, // worded where it happened
        IOException or UnauthorizedAccessException => $"{error.Message.TrimEnd('.')}; check that the place exists, has room and may be written to",
        _ => null,
    };
}

/// <summary>One verb of the tool.</summary>
internal abstract class Verb
{
    /// <summary>The verb's arguments, options and action.</summary>
    public abstract Command Build();

    /// <summary>Sets what a command does; failures become one sentence.</summary>
    protected static void OnRun(Command command, Func<ParseResult, Output, int> work) =>
        command.SetAction(parsed => CommandLine.Guard(parsed, output => work(parsed, output)));
}
