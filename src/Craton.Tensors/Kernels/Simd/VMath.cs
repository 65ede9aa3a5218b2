namespace Craton.Tensors.Kernels.Simd;
internal static class VMath { 
 public static V Exp<V>(V x) where V: struct, IVec<V> => x; public static V Expm1<V>(V x) where V: struct, IVec<V> => x; public static V Log<V>(V x) where V: struct, IVec<V> => x; public static V Log1p<V>(V x) where V: struct, IVec<V> => x;
 public static V Sin<V>(V x) where V: struct, IVec<V> => x; public static V Cos<V>(V x) where V: struct, IVec<V> => x; public static V Tanh<V>(V x) where V: struct, IVec<V> => x; public static V Sigmoid<V>(V x) where V: struct, IVec<V> => x; public static V Erf<V>(V x) where V: struct, IVec<V> => x; public static V Pow<V>(V x, V y) where V: struct, IVec<V> => x;
}
