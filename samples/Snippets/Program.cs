// The code of the documents, compiled and run, so that it cannot go stale.
using Craton.Samples;
using Craton.Tensors;
using Craton.Tokenizers;
using Craton.Training.Optimizers;

const string Text = "the craton is the old and stable part of a continent that everything else rests on";
const int Context = 4;
CharTokenizer tokenizer = CharTokenizer.Train([Text]);
int[] tokens = tokenizer.Encode(Text);
int count = tokens.Length - Context;

var model = new NextCharacter(tokenizer.VocabularySize, Context, width: 8, seed: 1);
var optimizer = new AdamW(model.NamedParameters().Select(p => new NamedParameter(p.Name, p.Tensor)), new AdamWOptions(LearningRate: 0.01));
int[] windows = [.. Enumerable.Range(0, count).SelectMany(i => tokens[i..(i + Context)])];
for (int step = 1; step <= 100; step++)
{
    foreach ((_, Tensor parameter) in model.NamedParameters()) parameter.ClearGrad();
    using (TensorScope.Open("step"))
    using (Tape tape = Tape.Start())
    {
        Tensor loss = model.Loss(Tensor.From(windows, count, Context), Tensor.From(tokens[Context..], count));
        tape.Backward(loss);
        if (step is 1 or 100) Console.WriteLine($"step {step}: loss {loss.Item():F4}");
    }
    optimizer.Step(rateScale: 1, gradientScale: 1);
}
