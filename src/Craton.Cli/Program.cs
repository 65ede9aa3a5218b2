using Craton.Cli;
using Craton.Cli.Verbs;

// One class per verb, one line per verb.
Verb[] verbs =
[
    new QuickstartVerb(),
    new TokVerb(),
    new TrainVerb(),
    new GenerateVerb(),
    new BenchVerb(),
];
return CommandLine.Run(verbs, args);
