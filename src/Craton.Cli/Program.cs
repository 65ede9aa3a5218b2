using Craton.Cli;
using Craton.Cli.Verbs;

// One class per verb, one line per verb.
Verb[] verbs =
[
    new QuickstartVerb(),
    new TrainVerb(),
    new GenerateVerb(),
    new TokVerb(),
];
return CommandLine.Run(verbs, args);
