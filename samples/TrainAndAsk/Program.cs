// Trains a small language model on a few sentences held in memory, then asks it. The output is the same on every machine.
using Craton.Data;
using Craton.Models;
using Craton.Models.Generation;
using Craton.Tokenizers;
using Craton.Training;
using Craton.Training.Optimizers;

string[] facts =
[
    "The capital of France is Paris.", "The capital of Japan is Tokyo.", "The capital of Kenya is Nairobi.",
    "The capital of Peru is Lima.", "The capital of Norway is Oslo.", "The capital of Egypt is Cairo.",
];
const int Context = 48, Steps = 120;

// Text → tokens: one token per character, and one that ends a document.
CharTokenizer tokenizer = CharTokenizer.Train(facts, ["<|endoftext|>"]);
int end = tokenizer.EndOfText!.Value;
var documents = new MemoryTokens([.. facts.Select(fact => (int[])[.. tokenizer.Encode(fact), end])]);
var rows = new TokenLoader(documents, Context, new TokenLoaderOptions { Seed = 1, Begin = end });

// A model from nothing, and its optimizer.
GptConfig config = GptConfig.FromDepth(2, tokenizer.VocabularySize, Context) with { BosTokenId = end, EosTokenId = end };
Gpt model = new Gpt(config).Initialize(seed: 1);
var optimizer = new AdamW(model.NamedParameters().Select(p => new NamedParameter(p.Name, p.Tensor)), new AdamWOptions(LearningRate: 3e-3));

// The loop.
var step = new TrainingStep(model, optimizer, clipNorm: 1);
var batch = new TokenBatch(rows: 8, Context);
for (int i = 1; i <= Steps; i++)
{
    StepResult result = step.Run(() => batch.Fill(rows), passes: 1, learningRateScale: 1);
    if (i % 40 == 0) Console.WriteLine($"step {i}: loss {result.Loss:F4}");
}

// Ask.
var generator = new TextGenerator(model, tokenizer);
foreach (string country in new[] { "Japan", "Peru", "Egypt" })
{
    string prompt = $"The capital of {country} is";
    Console.WriteLine(prompt + generator.Generate(prompt, new SamplingOptions { Temperature = 0, MaxTokens = 12 }).Text);
}
Console.WriteLine($"weights {ModelDirectory.HashWeights(model)}");
