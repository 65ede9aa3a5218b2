"""A BLAS library's single-precision product. Arguments: the library. A run: M N K order(nn|nt) accumulate(0|1)."""
import array
import ctypes
import sys

from protocol import serve, timed

library = ctypes.CDLL(sys.argv[1])
ROW_MAJOR, KEEP, TRANSPOSE = 101, 111, 112
operands = {}


def matrix(rows, columns):
    """Small numbers at an address that is a multiple of 64."""
    memory = ctypes.create_string_buffer(4 * rows * columns + 64)
    address = (ctypes.addressof(memory) + 63) // 64 * 64
    pattern = array.array("f", [(i % 251 - 125) / 256 for i in range(251)])
    values = pattern * (rows * columns // 251 + 1)
    ctypes.memmove(address, values.buffer_info()[0], 4 * rows * columns)
    return memory, ctypes.c_void_p(address)


def sgemm(m, n, k, order, accumulate):
    if (m, n, k) not in operands:
        operands.clear()
        operands[m, n, k] = matrix(m, k), matrix(k, n), matrix(m, n)
    (_, a), (_, b), (_, c) = operands[m, n, k]
    one, beta, long = ctypes.c_float(1), ctypes.c_float(accumulate), ctypes.c_long
    transposed = order == "nt"
    stride = k if transposed else n
    if hasattr(library, "dnnl_sgemm"):
        flag = ctypes.c_char(b"T" if transposed else b"N")
        return lambda: library.dnnl_sgemm(ctypes.c_char(b"N"), flag, long(m), long(n), long(k), one, a, long(k), b, long(stride), beta, c, long(n))
    flag = TRANSPOSE if transposed else KEEP
    return lambda: library.cblas_sgemm(ROW_MAJOR, KEEP, flag, m, n, k, one, a, k, b, stride, beta, c, n)


def run(m, n, k, order, accumulate):
    call = sgemm(int(m), int(n), int(k), order, int(accumulate))
    call()
    return {"seconds": timed(call)}


if not hasattr(library, "dnnl_sgemm") and not hasattr(library, "cblas_sgemm"):
    sys.exit("neither cblas_sgemm nor dnnl_sgemm in " + sys.argv[1])
serve(run)
