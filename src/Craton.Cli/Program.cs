using Craton.Cli;
using Craton.Cli.Verbs;

// One class per verb, one line per verb.
Verb[] verbs =
[
    new QuickstartVerb(),
    new DataVerb(),
    new TokVerb(),
    new TrainVerb(),
    new GenerateVerb(),
    new ChatVerb(),
    new EvalVerb(),
    new EmbedVerb(),
    new PerplexityVerb(),
    new QuantizeVerb(),
    new ExportVerb(),
    new ImportVerb(),
    new PullVerb(),
    new ListVerb(),
    new ShowVerb(),
    new RemoveVerb(),
    new BenchVerb(),
];
return CommandLine.Run(verbs, args);
