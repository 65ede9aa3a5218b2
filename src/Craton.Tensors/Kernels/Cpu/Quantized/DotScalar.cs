using System.Runtime.CompilerServices;

namespace Craton.Tensors.Kernels;

/// <summary>One row at a time, for machines without byte products: the meaning of the others.</summary>
internal readonly unsafe struct DotScalar : IDot<uint, int, int, float>
{
    public static int Lanes => 1;

    public static bool Wide => true;

    public static bool Signed => false;

    public static int None => 0;

    public static uint Load(byte* weights) => *(uint*)weights;

    public static uint Quad(sbyte* x) => *(uint*)x;

    public static uint Low(uint weights) => weights & 0x0F0F_0F0F;

    public static uint High(uint weights) => (weights >> 4) & 0x0F0F_0F0F;

    public static uint Bits(uint weights, int shift, byte mask) => (weights >> shift) & (mask * 0x0101_0101u);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Step(int sum, uint weights, uint x)
    {
        for (int shift = 0; shift < 32; shift += 8) sum += (byte)(weights >> shift) * (sbyte)(x >> shift);
        return sum;
    }

    public static int Total(int sum) => sum;

    public static int Total(int sum, int* offset) => sum + *offset;

    public static int Combine(int a, int b) => a + 16 * b;

    public static int Combine(int a, int b, int* offset) => a + 16 * b + *offset;

    public static float Float(int value) => value;

    public static float Halves(byte* values) => (float)*(Half*)values;

    public static float Bytes(byte* values) => *values;

    public static float SignedBytes(byte* values) => *(sbyte*)values;

    public static float All(float value) => value;

    public static float Read(float* values) => *values;

    public static float Multiply(float a, float b) => a * b;

    public static float Fma(float a, float b, float c) => MathF.FusedMultiplyAdd(a, b, c);

    public static void Store(float value, float* y) => *y = value;
}
