using System.Globalization;
using Craton.Training.Recipes;
using Craton.Training.Tests.Checkpoints;
using Craton.Training.Tests.Optimizers;
using Craton.Training.Tests.Reproducibility;

// The test runner loads this assembly as a library; tests that kill a process, or need one of their own, start it as a program.
switch (args)
{
    case ["toy", string folder, string steps]:
        ToyTraining.Run(folder, int.Parse(steps, CultureInfo.InvariantCulture));
        return 0;
    case ["tiny", string folder, string steps, .. string[] more]:
        TinyPretraining.Run(folder, int.Parse(steps, CultureInfo.InvariantCulture), checkpoint: more is ["checkpoint"]);
        return 0;
    case ["steady", string optimizer, string accumulate, string checkpoint]:
        SteadyState.Run(Enum.Parse<OptimizerKind>(optimizer), int.Parse(accumulate, CultureInfo.InvariantCulture), bool.Parse(checkpoint));
        return 0;
    case ["generate", string sampling]:
        SteadyGeneration.Run(sampling);
        return 0;
    case [SteadyUpdates.Verb, string update]:
        SteadyUpdates.Run(update);
        return 0;
    case ["report", string path]:
        Craton.Training.Tests.Reports.SampleReport.Build().Save(path);
        return 0;
    default:
        Console.Error.WriteLine("usage: toy FOLDER STEPS, tiny FOLDER STEPS [checkpoint], steady OPTIMIZER ACCUMULATE CHECKPOINT, steady-update NAME, generate SAMPLING, or: report FILE (writes a sample report to look at)");
        return 2;
}
