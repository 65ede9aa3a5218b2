using Craton.Cli;
using Craton.Cli.Verbs;

// One class per verb, one line per verb.
Verb[] verbs =
[
    new QuickstartVerb(),
    new TrainVerb(),
    new GenerateVerb(),
    new ChatVerb(),
    new TokVerb(),
    new DataVerb(),
    new EvalVerb(),
    new ListVerb(),
    new ShowVerb(),
    new RemoveVerb(),
];
return CommandLine.Run(verbs, args);
