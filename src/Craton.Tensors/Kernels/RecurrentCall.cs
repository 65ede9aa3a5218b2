namespace Craton.Tensors.Kernels;

/// <summary>
/// One direction of one recurrent layer as the kernels see it: gates [T, N, G · H] (the share of the input), weight [G · H, H], bias [G · H],
/// start and states [.., N, S · H] (S = 2 with a cell beside the state), lengths I64 [N], saved [T, N, K · H] for the backward step. All but
/// the weight contiguous.
/// </summary>
internal readonly record struct RecurrentCall(
    RecurrentCell Cell, Tensor Gates, Tensor Weight, Tensor? Bias, Tensor Start, Tensor? Lengths, bool Reverse, Tensor States, Tensor Saved)
{
    public int Steps => Gates.Size(0);

    public int Rows => Gates.Size(1);

    public int Width => Weight.Size(1);

    /// <summary>Which place step s works on.</summary>
    public int Place(int step) => Reverse ? Steps - 1 - step : step;
}
