using Craton.Training.Tests.Checkpoints;

// The test runner loads this assembly as a library; tests that kill a process start it as a program.
switch (args)
{
    case ["toy", string folder, string steps]:
        ToyTraining.Run(folder, int.Parse(steps, System.Globalization.CultureInfo.InvariantCulture));
        return 0;
    case ["report", string path]:
        Craton.Training.Tests.Reports.SampleReport.Build().Save(path);
        return 0;
    default:
        Console.Error.WriteLine("usage: toy FOLDER STEPS, or: report FILE (writes a sample report to look at)");
        return 2;
}
