using System.Diagnostics;
using System.Runtime.Intrinsics.X86;

namespace Craton.Cli.Bench.Versus;

/// <summary>
/// Finds the peers on this machine and starts them, tuned. What is missing is said once, with how to install it. Processes that were
/// started live until <see cref="StopAll"/>.
/// </summary>
internal sealed class InstalledPeers(int threads, Action<string> tell) : IDisposable
{
    private const string Scripts = "peers", Modules = "node_modules", CoreType = "OPENBLAS_CORETYPE";

    private readonly HashSet<string> _told = [];
    private readonly List<IDisposable> _running = [];
    private string? _torchPython;

    public int Threads => threads;

    /// <summary>What has been said about missing peers.</summary>
    public IReadOnlyCollection<string> Told => _told;

    /// <summary>Where the tokenizers' packages lie; null when nowhere.</summary>
    public static string? NodeModules { get; } = FindNodeModules();

    /// <summary>PyTorch at a piece of training a GPT-2, or nothing.</summary>
    public PeerProcess[] Torch(string work, BenchConfiguration c)
    {
        int[] shape = [c.Model.NumHiddenLayers, c.Model.HiddenSize, c.Model.NumAttentionHeads, c.Model.VocabSize, c.Model.MaxPositionEmbeddings, c.Batch, c.Length];
        return Torch("torch_train.py", [work, .. shape.Select(n => $"{n}")]);
    }

    /// <summary>PyTorch with one of our scripts, or nothing.</summary>
    /// <param name="script">The script; its last argument is the number of threads.</param>
    /// <param name="arguments">Its other arguments.</param>
    public PeerProcess[] Torch(string script, params string[] arguments)
    {
        string? python = _torchPython ??= Pythons().FirstOrDefault(CanImportTorch);
        if (python is null)
        {
            Tell("PyTorch is not installed: apt-get install python3-torch libopenblas0-openmp, or name a python that has it in CRATON_PYTHON");
            return [];
        }
        List<(string, string)> environment =
        [
            .. LibraryVariables,
            // Memory that was used once is kept: PyTorch would otherwise have it mapped anew for every step.
            ("MALLOC_MMAP_THRESHOLD_", "1099511627776"), ("MALLOC_TRIM_THRESHOLD_", "1099511627776"), ("MALLOC_TOP_PAD_", "268435456"), ("MALLOC_ARENA_MAX", "1"),
        ];
        // Of OpenBLAS's builds the OpenMP one shares PyTorch's threads; the others fight them.
        if (Libraries("libopenblas.so.0").FirstOrDefault(file => file.Contains("openmp", StringComparison.Ordinal)) is { } openmp)
            environment.Add(("LD_LIBRARY_PATH", $"{Path.GetDirectoryName(openmp)}:{Environment.GetEnvironmentVariable("LD_LIBRARY_PATH")}"));
        else Tell("PyTorch runs on the BLAS it was installed with: apt-get install libopenblas0-openmp makes it faster");
        return Start("PyTorch", python, ["-B", Script(script), .. arguments, $"{threads}"], environment);
    }

    /// <summary>Every BLAS library that is here.</summary>
    public PeerProcess[] Blas()
    {
        (string Name, string File)[] libraries =
        [
            .. Libraries("libopenblas.so.0").Take(1).Select(file => ("OpenBLAS", file)), .. Libraries("libblis.so.*").Take(1).Select(file => ("BLIS", file)),
            .. Libraries("libdnnl.so.*").Take(1).Select(file => ("oneDNN", file)), .. Libraries("libmkl_rt.so*").Take(1).Select(file => ("MKL", file)),
        ];
        string? python = Pythons().FirstOrDefault();
        if (python is null) Tell("OpenBLAS, BLIS, oneDNN are not compared: no python3 on the PATH to call them with; apt-get install python3");
        else if (libraries.Length == 0) Tell("OpenBLAS, BLIS, oneDNN are not installed: apt-get install libopenblas0-openmp libblis4-openmp libdnnl2");
        else return [.. libraries.SelectMany(library => Start(library.Name, python, ["-B", Script("blas.py"), library.File], LibraryVariables))];
        return [];
    }

    /// <summary>A tokenizer of Node at a piece of work, or nothing.</summary>
    public PeerProcess[] Node(string package, string work, int workers, params string[] arguments)
    {
        string? node = OnPath("node").FirstOrDefault();
        if (node is null) Tell("Node is not installed: apt-get install nodejs npm, then npm i in bench/peers");
        else if (NodeModules is null || !Directory.Exists(Path.Combine(NodeModules, package)))
            Tell($"{package} is not installed: npm i in bench/peers, or name a folder of packages that has it in CRATON_NODE_MODULES");
        else
            return Start(package == "tokenizers" ? "Hugging Face tokenizers" : package, node, [Script("tokenizers.cjs"), work, .. arguments],
                [("CRATON_NODE_MODULES", NodeModules), ("RAYON_NUM_THREADS", $"{workers}")]);
        return [];
    }

    /// <summary>llama.cpp at a piece of work, or nothing.</summary>
    public LlamaBench[] LlamaBench(string model, string work, int count) => FindLlamaBench() is { } program ? [new(program, model, work, count)] : [];

    /// <summary>llama.cpp's server, which lies beside its benchmark, for so many clients at once, or nothing.</summary>
    public LlamaServer[] LlamaServer(string model, int clients) =>
        FindLlamaBench() is { } bench ? Started(() => new LlamaServer(Path.Combine(Path.GetDirectoryName(bench)!, "llama-server"), model, clients, threads)) : [];

    /// <summary>Craton in a process of its own, on all threads or as many as asked for.</summary>
    public PeerProcess Ours(string work, int? count = null)
    {
        var process = PeerProcess.Ours(work, count ?? threads);
        _running.Add(process);
        return process;
    }

    /// <summary>Says something once.</summary>
    public void Tell(string sentence)
    {
        if (_told.Add(sentence)) tell(sentence);
    }

    public void StopAll()
    {
        foreach (IDisposable process in _running) process.Dispose();
        _running.Clear();
    }

    public void Dispose() => StopAll();

    // OpenBLAS takes a processor that is younger than itself for one of 2004, which costs four fifths of its speed: it is told.
    private (string, string)[] LibraryVariables =>
    [
        .. new[] { "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS" }.Select(variable => (variable, $"{threads}")),
        .. Avx512F.IsSupported && Environment.GetEnvironmentVariable(CoreType) is null ? [(CoreType, "SKYLAKEX")] : Array.Empty<(string, string)>(),
    ];

    private string? FindLlamaBench()
    {
        string? program = Environment.GetEnvironmentVariable("CRATON_LLAMA_BENCH") is { Length: > 0 } named ? named : OnPath("llama-bench").FirstOrDefault();
        if (File.Exists(program)) return program;
        Tell(program is null ? "llama.cpp is not installed: build its llama-bench and name the program in CRATON_LLAMA_BENCH" : $"CRATON_LLAMA_BENCH: '{program}' does not exist; name the program llama-bench");
        return null;
    }

    private PeerProcess[] Start(string name, string program, IEnumerable<string> arguments, IEnumerable<(string, string)> environment) =>
        Started(() => new PeerProcess(name, program, arguments, environment));

    private T[] Started<T>(Func<T> start) where T : IDisposable
    {
        try
        {
            T process = start();
            _running.Add(process);
            return [process];
        }
        catch (Exception e) when (e is PeerException or System.ComponentModel.Win32Exception)
        {
            Tell($"{e.Message}; it is left out");
            return [];
        }
    }

    private static string Script(string name) => Path.Combine(AppContext.BaseDirectory, Scripts, name);

    private static IEnumerable<string> Pythons() => Environment.GetEnvironmentVariable("CRATON_PYTHON") is { Length: > 0 } named ? [named] : OnPath("python3");

    private static bool CanImportTorch(string python)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(python, ["-c", "import torch"]) { RedirectStandardError = true, RedirectStandardOutput = true });
            if (process is null) return false;
            _ = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static IEnumerable<string> OnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? program + ".exe" : program)).Where(File.Exists);

    // Debian keeps each build of a BLAS in a folder below that of the libraries; the OpenMP build comes first.
    private static IEnumerable<string> Libraries(string pattern)
    {
        string[] roots = ["/usr/local/lib", "/usr/lib", "/usr/lib64", .. Folders("/usr/lib", "*-linux-gnu*")];
        return roots.Where(Directory.Exists)
            .SelectMany(root => Folders(root, "openblas-*").Concat(Folders(root, "blis-*")).Order(StringComparer.Ordinal).Append(root))
            .SelectMany(folder => Directory.GetFiles(folder, pattern).Order(StringComparer.Ordinal));
    }

    private static string[] Folders(string root, string pattern) => Directory.Exists(root) ? Directory.GetDirectories(root, pattern) : [];

    private static string? FindNodeModules()
    {
        if (Environment.GetEnvironmentVariable("CRATON_NODE_MODULES") is { Length: > 0 } named) return named;
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, "bench", Scripts, Modules) is var modules && Directory.Exists(modules)) return modules;
        return null;
    }
}
