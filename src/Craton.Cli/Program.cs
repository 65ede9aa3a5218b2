using Craton.Cli;
using Craton.Cli.Packing;
using Craton.Cli.Verbs;
using Craton.Tensors;

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
    new ClassifyVerb(),
    new SearchImagesVerb(),
    new ImagineVerb(),
    new CaptionVerb(),
    new AskImageVerb(),
    new PerplexityVerb(),
    new QuantizeVerb(),
    new ExportVerb(),
    new ImportVerb(),
    new PullVerb(),
    new PackVerb(),
    new ListVerb(),
    new ShowVerb(),
    new RemoveVerb(),
    new BenchVerb(),
];

// A program that carries a model converses with it: alone, or once with the message that it is given.
string? model;
try
{
    model = PackedModel.Find();
}
catch (CratonException e)
{
    Console.Error.WriteLine($"craton: {e.Message}");
    return 2;
}
return model is null
    ? CommandLine.Run(verbs, args)
    : CommandLine.Run([new ChatVerb()], ["chat", "-m", model, .. args.Length > 0 && !args[0].StartsWith('-') ? ["--message", .. args] : args]);
