"""Makes formats.json with llama.cpp's own decoders (PyPI gguf 0.19.0, numpy
2.4.6) and ggml's quantisers (commit d99724f):

    cmake -B build -DGGML_CPU=OFF . && cmake --build build --target ggml-base    # in ggml
    python golden.py .../build/src/libggml-base.so

"decoded" has for each format the SHA-256 of 256 blocks, made by blocks(), and
of their numbers as float32. "errors" has the root of the mean squared error of
ggml's quantiser without an importance matrix on the numbers of each kind().
"""
import ctypes, hashlib, json, sys
import numpy as np
from gguf import GGMLQuantizationType as T, GGML_QUANT_SIZES
from gguf.quants import dequantize

# Where the scales in F16 lie; MXFP4 begins with one in E8M0.
SCALES = {
    "Q4_0": [0], "Q8_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "IQ4_NL": [0], "MXFP4": [],
    "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_XS": [0],
}
EDGES = [0x0000, 0x8000, 0x0001, 0x03ff, 0x0400, 0x7bff, 0xfbff, 0x3c00, 0xbc01]
BLOCKS, NUMBERS = 256, 64 * 256

class Random:
    def __init__(self, seed):
        self.x = seed
    def next(self, bits):  # of Numerical Recipes' linear congruential generator
        self.x = (self.x * 1664525 + 1013904223) & 0xffffffff
        return self.x >> (32 - bits)

def blocks(name):
    size = GGML_QUANT_SIZES[T[name]][1]
    r = Random(1)
    b = np.array([r.next(8) for _ in range(BLOCKS * size)], np.uint8).reshape(BLOCKS, size)
    for i in range(BLOCKS):
        if name == "MXFP4":
            b[i, 0] = i
        for n, at in enumerate(SCALES[name]):
            h = int(b[i, at]) | int(b[i, at + 1]) << 8
            if h & 0x7c00 == 0x7c00:  # infinite or no number
                h &= 0xbfff
            if i < len(EDGES) ** 2:
                h = EDGES[i // len(EDGES) ** n % len(EDGES)]
            b[i, at], b[i, at + 1] = h & 255, h >> 8
    return b

def kind(name):
    r, x = Random(2), np.zeros(NUMBERS)
    for i in range(NUMBERS):
        x[i] = (sum(r.next(16) for _ in range(4)) - 0x20000) / 0x10000  # about normal, deviation 0.58
        if name == "heavy":
            x[i] *= abs(x[i])
        if name == "shifted":
            x[i] += 1
    return x.astype(np.float32)

def errors(lib, name, x):
    quantize = getattr(lib, "quantize_" + name.lower().replace("_k", "_K"))
    quantize.restype, quantize.argtypes = ctypes.c_size_t, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]
    elements, size = GGML_QUANT_SIZES[T[name]]
    b = np.zeros((1, len(x) // elements * size), np.uint8)
    quantize(x.ctypes.data, b.ctypes.data, 1, len(x), None)
    y = dequantize(b, T[name]).reshape(-1)
    return float(np.sqrt(np.mean((x.astype(np.float64) - y) ** 2)))

lib = ctypes.CDLL(sys.argv[1])
digest = lambda a: hashlib.sha256(a.tobytes()).hexdigest()
np.seterr(over="ignore")
out = {"decoded": {}, "errors": {}}
for name in SCALES:
    b = blocks(name)
    y = dequantize(b, T[name])
    assert not np.isnan(y).any()
    out["decoded"][name] = {"blocks": digest(b), "numbers": digest(y.astype("<f4")), "begins": [float(v) for v in y[100, :4]]}
for name in ["Q4_1", "Q5_0", "Q5_1", "IQ4_NL", "MXFP4", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_XS"]:
    out["errors"][name] = {k: errors(lib, name, kind(k)) for k in ["normal", "heavy", "shifted"]}
json.dump(out, open("formats.json", "w"), indent=1)
