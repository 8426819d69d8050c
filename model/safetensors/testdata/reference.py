# Writes reference.safetensors with Hugging Face's own writer (PyPI safetensors
# 0.8.0): python3 reference.py
import ctypes
from safetensors import TensorSpec, serialize

buffers = []  # kept alive until they are written

def tensor(dtype, width, *shape):
    n = width
    for d in shape:
        n *= d
    buffers.append(ctypes.create_string_buffer(bytes(i % 251 for i in range(n)), max(n, 1)))
    return TensorSpec(dtype=dtype, shape=list(shape), data_ptr=ctypes.addressof(buffers[-1]), data_len=n)

tensors = {
    "z.f32": tensor("float32", 4, 2, 3),
    "a.f32": tensor("float32", 4, 5),
    "f64": tensor("float64", 8, 1),
    "f16": tensor("float16", 2, 3),
    "bf16": tensor("bfloat16", 2, 2, 2, 1),
    "i64": tensor("int64", 8, 2),
    "u64": tensor("uint64", 8, 1),
    "i32": tensor("int32", 4, 1),
    "u32": tensor("uint32", 4, 1),
    "i16": tensor("int16", 2, 1),
    "u16": tensor("uint16", 2, 1),
    "i8": tensor("int8", 1, 3),
    "u8": tensor("uint8", 1, 3),
    "bool": tensor("bool", 1, 2),
    "e4m3": tensor("float8_e4m3fn", 1, 2),
    "e5m2": tensor("float8_e5m2", 1, 2),
    "e8m0": tensor("float8_e8m0fnu", 1, 2),
    "e4m3fnuz": tensor("float8_e4m3fnuz", 1, 2),
    "e5m2fnuz": tensor("float8_e5m2fnuz", 1, 2),
    "c64": tensor("complex64", 8, 1),
    "scalar": tensor("float32", 4),
    "none": tensor("float32", 4, 0, 7),
    "чай \"<&>\"\n\x01": tensor("uint8", 1, 1),
}
with open("reference.safetensors", "wb") as f:
    f.write(serialize(tensors, {"format": "самовар"}))
