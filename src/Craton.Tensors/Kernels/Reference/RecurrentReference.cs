using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

// Recurrent layers: a product for each step, and loops over the elements of a row, which are the same at every precision and width.
internal unsafe partial class ReferenceKernels
{
    /// <summary>All states: step s computes those of place(s) from the ones of step s − 1, at first from the start. A row past its length keeps
    /// its state.</summary>
    public void Recurrent(in RecurrentCall call)
    {
        Tensor product = Tensor.Empty(call.Gates.DType, call.Rows, call.Weight.Size(0)), transposed = Tensor.Empty(call.Gates.DType, call.Width, call.Weight.Size(0));
        Copy(call.Weight, call.Weight.Layout.Permute([1, 0]), transposed, transposed.Layout); // a product of few rows reads it where it lies
        for (int s = 0; s < call.Steps; s++)
        {
            int place = call.Place(s);
            (Tensor from, Layout before) = s == 0 ? (call.Start, call.Start.Layout) : (call.States, At(call.States, call.Place(s - 1)));
            if (call.Bias is { } bias) Copy(bias, bias.Layout.Expand(product.Shape), product, product.Layout);
            MatMul(from, before.Slice(1, 0, call.Width), transposed, transposed.Layout, product, product.Layout, add: call.Bias is not null);
            var job = new RecurrentJob(call, place, Bytes(from, before), (byte*)product.Pointer);
            WorkerPool.Run(ref job, call.Rows);
        }
    }

    /// <summary>
    /// The gradients from that of all states: of the gates [T, N, G · H], of the products weight · state + bias, of the same shape (the same
    /// tensor where the cell adds them), and of the start.
    /// </summary>
    public void RecurrentGradient(in RecurrentCall call, Tensor dstates, Tensor dgates, Tensor dproducts, Tensor dstart)
    {
        Fill(dstart, 0);
        for (int s = call.Steps - 1; s >= 0; s--)
        {
            int place = call.Place(s);
            (Tensor from, Layout before) = s == 0 ? (call.Start, call.Start.Layout) : (call.States, At(call.States, call.Place(s - 1)));
            Copy(dstates, At(dstates, place), dstart, dstart.Layout, add: true);
            var job = new RecurrentGradientJob(call, place, Bytes(from, before), dgates, dproducts, (byte*)dstart.Pointer);
            WorkerPool.Run(ref job, call.Rows);
            MatMul(dproducts, At(dproducts, place), call.Weight, call.Weight.Layout, dstart, dstart.Layout.Slice(1, 0, call.Width), add: true);
        }
    }

    // One place of [T, N, width] as [N, width].
    private static Layout At(Tensor x, int place) => x.Layout.Slice(0, place, 1).Reshape([x.Size(1), x.Size(2)])!.Value;

    private static byte* Bytes(Tensor x, in Layout layout) => (byte*)x.Storage.Pointer + layout.Offset * x.DType.Size();

    private readonly struct RecurrentJob(RecurrentCall call, int place, byte* before, byte* product) : IJob
    {
        private readonly RecurrentCall _call = call;

        public void Run(int task, int worker)
        {
            int size = _call.Gates.DType.Size(), states = _call.States.Size(2) * size, gates = _call.Gates.Size(2) * size, row = place * _call.Rows + task;
            byte* from = before + (nint)task * states, to = (byte*)_call.States.Pointer + (nint)row * states;
            byte* saved = (byte*)_call.Saved.Pointer + (nint)row * _call.Saved.Size(2) * size;
            if (_call.Lengths is { } lengths && place >= ((long*)lengths.Pointer)[task])
            {
                Buffer.MemoryCopy(from, to, states, states);
                return;
            }
            byte* x = (byte*)_call.Gates.Pointer + (nint)row * gates, h = product + (nint)task * gates;
            int n = _call.Width;
            switch (_call.Cell)
            {
                case RecurrentCell.Lstm: Each(_call.Gates, new LstmStep(x, h, from, to, saved, n)); break;
                case RecurrentCell.Gru: Each(_call.Gates, new GruStep(x, h, from, to, saved, n)); break;
                default: Each(_call.Gates, new PlainStep(x, h, to, _call.Cell == RecurrentCell.Relu)); break;
            }
        }

        private void Each<TLoop>(Tensor like, TLoop loop) where TLoop : struct, IElementLoop => ForEach(like, loop, _call.Width);
    }

    private readonly struct RecurrentGradientJob(RecurrentCall call, int place, byte* before, Tensor dgates, Tensor dproducts, byte* running) : IJob
    {
        private readonly RecurrentCall _call = call;

        public void Run(int task, int worker)
        {
            int size = _call.Gates.DType.Size(), states = _call.States.Size(2) * size, gates = _call.Gates.Size(2) * size, row = place * _call.Rows + task;
            byte* dx = (byte*)dgates.Pointer + (nint)row * gates, dh = (byte*)dproducts.Pointer + (nint)row * gates;
            if (_call.Lengths is { } lengths && place >= ((long*)lengths.Pointer)[task])
            {
                new Span<byte>(dx, gates).Clear();
                new Span<byte>(dh, gates).Clear();
                return;
            }
            byte* from = before + (nint)task * states, at = (byte*)_call.States.Pointer + (nint)row * states, d = running + (nint)task * states;
            byte* saved = (byte*)_call.Saved.Pointer + (nint)row * _call.Saved.Size(2) * size;
            int n = _call.Width;
            switch (_call.Cell)
            {
                case RecurrentCell.Lstm: ForEach(dgates, new LstmGradient(from, at, saved, d, dh, n), n); break;
                case RecurrentCell.Gru: ForEach(dgates, new GruGradient(from, saved, d, dx, dh, n), n); break;
                default: ForEach(dgates, new PlainGradient(at, d, dh, _call.Cell == RecurrentCell.Relu), n); break;
            }
        }
    }

    private static void ForEach<TLoop>(Tensor like, TLoop loop, int n) where TLoop : struct, IElementLoop
    {
        if (like.DType == DType.F64) Elementwise.ForEach<Scalar64, TLoop>(loop, n);
        else Elementwise.ForEach(loop, n);
    }
}
