namespace Craton.Tensors.Tests.Core;

/// <summary>What a user reads who makes a mistake: every sentence names the operation, the argument, what was expected and what was got.</summary>
public sealed class CheckTests
{
    private static readonly Tensor s_matrix = Tensor.Persistent(DType.F32, 2, 3), s_vector = Tensor.Persistent(DType.F32, 4);
    private static readonly Tensor s_integers = Tensor.Persistent(DType.I64, 2, 3), s_double = Tensor.Persistent(DType.F64, 2, 3);

    public static TheoryData<string, Action> Mistakes() => new()
    {
        { "[exp] x: expected F32 or F64, got I64; convert it with Cast", () => Ops.Exp(s_integers) },
        { "[add] b: expected a shape that broadcasts with [2, 3], got [4]", () => Ops.Add(s_matrix, s_vector) },
        { "[mul] b: expected F32, got F64; convert one of them with Cast", () => Ops.Mul(s_matrix, s_double) },
        { "[matmul] b: expected 3 rows, as many as a [2, 3] has columns, got [2, 3]", () => Ops.MatMul(s_matrix, s_matrix) },
        { "[linear] x: expected 3 features for weight [2, 3], got [4]", () => Ops.Linear(s_vector, s_matrix) },
        { "[linear] bias: expected shape [2], got [4]", () => Ops.Linear(s_matrix, s_matrix, s_vector) },
        { "[reshape] shape: expected a shape of 6 elements, got [4, 2]", () => Ops.Reshape(s_matrix, 4, 2) },
        { "[permute] order: expected every dimension once, got [0, 0]", () => Ops.Permute(s_matrix, 0, 0) },
        { "[slice] step: expected 1 or more, got 0", () => Ops.Slice(s_matrix, 0, 0, 1, 0) },
        { "[select] index: expected below 3, got 3", () => Ops.Select(s_matrix, 1, 3) },
        { "[squeeze] x: expected size 1 in dimension 0, got [2, 3]", () => Ops.Squeeze(s_matrix, 0) },
        { "[split] sizes: expected sizes of 0 or more with a sum of 3, got [1, 1]", () => Ops.Split(s_matrix, 1, 1, 1) },
        { "[softmax] dim: expected -2 to 1, got 2", () => Ops.Softmax(s_matrix, 2) },
        { "[concat] parts: expected 2 dimensions, got [4]", () => Ops.Concat(0, s_matrix, s_vector) },
        { "[embedding] ids: expected I32 or I64 indices, got F32", () => Ops.Embedding(s_matrix, s_vector) },
        {
            "[embedding] ids: expected ids from 0 to 1 for a table of 2 rows, got 7; use the tokenizer that belongs to the model",
            () => Ops.Embedding(s_matrix, Tensor.From([0, 7], 2))
        },
        { "[backward] loss: expected one element, got [2, 3]; reduce it with Sum or Mean, or give its gradient", Backward },
        { "[tensor] values: expected 6 for shape [2, 3], got 2", () => s_matrix.CopyFrom<float>([1f, 2]) },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void The_sentence_is(string sentence, Action mistake) => Assert.Equal(sentence, Assert.ThrowsAny<CratonException>(mistake).Message);

    [Fact]
    public void A_check_that_holds_allocates_nothing()
    {
        Check.That(s_matrix.Rank == 2, "op", "x", $"{s_matrix.Rank} dimensions", $"{s_matrix.Layout}");
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) Check.That(s_matrix.Rank == 2, "op", "x", $"{s_matrix.Rank} dimensions", $"{s_matrix.Layout}");
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void Backward()
    {
        using Tape tape = Tape.Start();
        tape.Backward(s_matrix);
    }
}
