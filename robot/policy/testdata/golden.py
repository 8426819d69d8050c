"""Makes small networks and what PyTorch and ONNX Runtime answer to them:

    pip install torch==2.15.0 onnx onnxscript onnxruntime numpy
    python golden.py                    the networks in ../onnx/testdata and ../torchscript/testdata
    python golden.py DATA/robot/policies    real.json, the answers of networks that are not here

Number i of observation t is 1.5·sin(0.7·i + 1.3·t + 0.1), rounded to float32.
"""

import json
import math
import pathlib
import sys
import zipfile

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

HERE = pathlib.Path(__file__).parent
STEPS = 6


def observation(n, t):
    return np.array([[1.5 * math.sin(0.7 * i + 1.3 * t + 0.1) for i in range(n)]], dtype=np.float32)


def answers_onnx(path):
    s = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    ins, outs = s.get_inputs(), [o.name for o in s.get_outputs()]
    state = {i.name: np.zeros(i.shape, np.float32) for i in ins[1:]}
    n, all = ins[0].shape[-1], []
    for t in range(STEPS):
        x = observation(n, t)
        if len(ins[0].shape) == 1:
            x = x[0]
        got = dict(zip(outs, s.run(outs, {ins[0].name: x, **state})))
        state = {k: got[k.replace("_in", "_out")] for k in state}
        all.append([float(v) for v in got[outs[0]].ravel()])
    return {"inputs": n, "outputs": all}


def answers_torch(path, n):
    m = torch.jit.load(str(path))
    with torch.no_grad():
        all = [[float(v) for v in m(torch.from_numpy(observation(n, t))).ravel()] for t in range(STEPS)]
    return {"inputs": n, "outputs": all}


def clean_onnx(path):
    """Leaves out what exporters tell of the machine."""
    m = onnx.load(str(path))
    del m.metadata_props[:], m.graph.metadata_props[:], m.graph.value_info[:]
    for x in [*m.graph.node, *m.graph.input, *m.graph.output, *m.graph.initializer]:
        del x.metadata_props[:]
        x.doc_string = ""
    onnx.checker.check_model(m)
    onnx.save(m, str(path))


def clean_torch(path):
    """Leaves out where in which file a line of code comes from."""
    with zipfile.ZipFile(path) as z:
        all = [(i.filename, z.read(i)) for i in z.infolist() if not i.filename.endswith(".debug_pkl")]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as z:
        for name, data in all:
            z.writestr(zipfile.ZipInfo(name), data)


class Normalizer(nn.Module):
    """As rsl_rl has it: what it knows is in buffers that never change here."""

    def __init__(self, n):
        super().__init__()
        self.eps = 1e-2
        self.register_buffer("_mean", torch.randn(1, n))
        self.register_buffer("_std", torch.rand(1, n) + 0.5)
        self.register_buffer("count", torch.tensor(17, dtype=torch.long))

    def forward(self, x):
        return (x - self._mean) / (self._std + self.eps)


class Recurrent(nn.Module):
    """As exporters of rsl_rl have it."""

    def __init__(self, kind, n, hidden, layers, out):
        super().__init__()
        self.kind = kind
        self.rnn = (nn.LSTM if kind == "lstm" else nn.GRU)(n, hidden, layers)
        self.actor = nn.Sequential(nn.Linear(hidden, 8), nn.ELU(), nn.Linear(8, out))
        self.normalizer = Normalizer(n)
        self.register_buffer("hidden_state", torch.zeros(layers, 1, hidden))
        self.register_buffer("cell_state", torch.zeros(layers, 1, hidden))


class ScriptLSTM(Recurrent):
    def forward(self, x):
        x = self.normalizer(x)
        x, (h, c) = self.rnn(x.unsqueeze(0), (self.hidden_state, self.cell_state))
        self.hidden_state[:] = h
        self.cell_state[:] = c
        return self.actor(x.squeeze(0))


class ScriptGRU(Recurrent):
    def forward(self, x):
        x = self.normalizer(x)
        x, h = self.rnn(x.unsqueeze(0), self.hidden_state)
        self.hidden_state[:] = h
        return self.actor(x.squeeze(0))


class ExportLSTM(Recurrent):
    def forward(self, obs, h_in, c_in):
        x, (h, c) = self.rnn(self.normalizer(obs).unsqueeze(0), (h_in, c_in))
        return self.actor(x.squeeze(0)), h, c


class ExportGRU(Recurrent):
    def forward(self, obs, h_in):
        x, h = self.rnn(self.normalizer(obs).unsqueeze(0), h_in)
        return self.actor(x.squeeze(0)), h


def zoo(n):
    """Every activation that a policy is likely to have."""
    layers = [Normalizer(n), nn.Linear(n, 8), nn.LayerNorm(8)]
    for a in [nn.ELU(), nn.ReLU(inplace=True), nn.SELU(), nn.LeakyReLU(0.2), nn.Softplus(), nn.SiLU(), nn.Tanh(), nn.Sigmoid(), nn.GELU(), nn.Mish(),
              nn.ELU(alpha=0.7), nn.Hardtanh(-0.8, 0.9), nn.ReLU6(), nn.Dropout(0.1), nn.Identity()]:
        layers += [nn.Linear(8, 8), a]
    return nn.Sequential(*layers, nn.Linear(8, 5, bias=False))


class Arranged(nn.Module):
    """Slices, pieces put together, and arithmetic."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(6, 4)
        self.b = nn.Linear(5, 4)

    def forward(self, x):
        a = torch.tanh(self.a(x[:, :6]))
        b = self.b(x[:, 5:]).clamp(-0.5, 1.5)
        c = torch.cat([a, b], dim=-1)
        return torch.cat([0.5 * c[:, ::2] - a, (b * b).view(-1, 4) + x[:, 0:1], c.unsqueeze(0).transpose(1, 2).flatten().unsqueeze(0)], -1)


def operators():
    """A graph of operators that exporters seldom make."""
    rng = np.random.default_rng(5)
    nodes, constants = [], []

    def constant(name, value, kind=np.float32):
        constants.append(numpy_helper.from_array(np.array(value, dtype=kind), name))
        return name

    def node(kind, ins, outs, **attributes):
        nodes.append(helper.make_node(kind, ins, outs, name="n_" + outs[0], **attributes))
        return outs[0]

    w = constant("w", rng.normal(size=(9, 6)))
    node("MatMul", ["obs", w], ["m"])
    node("Split", ["m", constant("sizes", [2, 4], np.int64)], ["left", "right"], axis=1)
    node("Slice", ["right", constant("one", [1], np.int64), constant("end", [2**62], np.int64), constant("axis", [-1], np.int64), constant("two", [2], np.int64)], ["sliced"])
    node("Concat", ["left", "sliced"], ["joined"], axis=-1)
    node("Reshape", ["joined", constant("to", [0, 2, -1], np.int64)], ["square"])
    node("Transpose", ["square"], ["turned"], perm=[0, 2, 1])
    node("Flatten", ["turned"], ["flat"])
    node("Constant", [], ["scale"], value_floats=[0.5, 1.5, -2.0, 0.25])
    node("Mul", ["flat", "scale"], ["scaled"])
    node("Gemm", ["scaled", constant("g", rng.normal(size=(3, 4))), constant("gb", rng.normal(size=3))], ["gemm"], alpha=0.5, beta=2.0, transB=1)
    node("Softplus", ["gemm"], ["soft"])
    node("Div", ["gemm", "soft"], ["divided"])
    node("Gather", ["divided", constant("index", -1, np.int64)], ["picked"], axis=1)
    node("Unsqueeze", ["picked", constant("axes", [1], np.int64)], ["raised"])
    node("Expand", ["raised", constant("wide", [1, 3], np.int64)], ["wide3"])
    node("Clip", ["wide3", constant("low", -0.3), constant("high", 0.4)], ["clipped"])
    node("Shape", ["clipped"], ["shape"])
    node("Cast", ["shape"], ["extents"], to=TensorProto.FLOAT)
    node("Identity", ["extents"], ["extent"])
    node("ReduceMean", ["extent"], ["breadth"], axes=[0], keepdims=0)
    node("Concat", ["divided", "clipped"], ["six0"], axis=1)
    node("Add", ["six0", "breadth"], ["six"])
    node("Selu", ["six"], ["selu"])
    node("LeakyRelu", ["selu"], ["leaky"], alpha=0.3)
    node("HardSigmoid", ["leaky"], ["hard"])
    node("Sub", ["leaky", "hard"], ["less"])
    node("Less", ["less", "hard"], ["lower"])
    node("Where", ["lower", "low", "less"], ["chosen"])
    node("Max", ["chosen", "hard"], ["most"])
    graph = helper.make_graph(nodes, "operators", [helper.make_tensor_value_info("obs", TensorProto.FLOAT, [1, 9])],
                              [helper.make_tensor_value_info("most", TensorProto.FLOAT, [1, 6])], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def small():
    torch.manual_seed(7)
    o, t = HERE.parent / "onnx/testdata", HERE.parent / "torchscript/testdata"

    def export(name, module, args, ins, outs, **more):
        module.eval()
        torch.onnx.export(module, args, str(o / name), input_names=ins, output_names=outs, **more)
        clean_onnx(o / name)

    x = torch.zeros(1, 9)
    export("mlp.onnx", nn.Sequential(nn.Linear(9, 12), nn.ELU(), nn.Linear(12, 4)), (x,), ["obs"], ["actions"], dynamo=False, opset_version=11)
    export("zoo.onnx", zoo(9), (x,), ["obs"], ["actions"], dynamo=False, opset_version=11)
    export("zoo18.onnx", zoo(9), (x,), ["obs"], ["actions"], dynamo=True, external_data=False)
    export("arranged.onnx", Arranged(), (torch.zeros(1, 10),), ["obs"], ["actions"], dynamo=False, opset_version=17)
    h = torch.zeros(1, 1, 6)
    export("lstm.onnx", ExportLSTM("lstm", 9, 6, 1, 4), (x, h, h), ["obs", "h_in", "c_in"], ["actions", "h_out", "c_out"], dynamo=False, opset_version=17)
    export("gru.onnx", ExportGRU("gru", 9, 6, 1, 4), (x, h), ["obs", "h_in"], ["actions", "h_out"], dynamo=False, opset_version=17)
    h = torch.zeros(2, 1, 5)
    export("lstm2.onnx", ExportLSTM("lstm", 9, 5, 2, 4), (x, h, h), ["obs", "h_in", "c_in"], ["actions", "h_out", "c_out"], dynamo=False, opset_version=17)
    onnx.save(operators(), str(o / "operators.onnx"))
    write(o / "golden.json", {p.name: answers_onnx(p) for p in sorted(o.glob("*.onnx"))})

    for name, module, n in [("mlp", nn.Sequential(nn.Linear(9, 12), nn.ELU(), nn.Linear(12, 4)), 9), ("zoo", zoo(9), 9), ("arranged", Arranged(), 10),
                            ("lstm", ScriptLSTM("lstm", 9, 6, 1, 4), 9), ("gru", ScriptGRU("gru", 9, 6, 1, 4), 9), ("lstm2", ScriptLSTM("lstm", 9, 5, 2, 4), 9)]:
        module.eval()
        torch.jit.script(module).save(str(t / f"{name}.pt"))
        if "rnn" not in dict(module.named_children()):
            torch.jit.trace(module, torch.ones(1, n)).save(str(t / f"{name}_traced.pt"))
    for p in t.glob("*.pt"):
        clean_torch(p)
    sizes = {"arranged.pt": 10, "arranged_traced.pt": 10}
    write(t / "golden.json", {p.name: answers_torch(p, sizes.get(p.name, 9)) for p in sorted(t.glob("*.pt"))})


def write(path, all):
    path.write_text("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in all.items()) + "\n}\n")


if len(sys.argv) > 1:
    data = pathlib.Path(sys.argv[1])
    write(HERE / "real.json", {
        "mujoco_playground_g1/g1_policy.onnx": answers_onnx(data / "mujoco_playground_g1/g1_policy.onnx"),
        "unitree_rl_lab_velocity/policy.onnx": answers_onnx(data / "unitree_rl_lab_velocity/policy.onnx"),
        "unitree_rl_gym_g1/motion.pt": answers_torch(data / "unitree_rl_gym_g1/motion.pt", 47),
    })
else:
    small()
