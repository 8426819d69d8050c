"""Makes NAME.json and NAME.logits, the golden values of package model: the
logits that transformers computes (FP32, eager attention, CPU) for small models
with random weights. Weights are not stored, they follow from their names:

    name    GGUF name of the tensor, such as "blk.0.attn_q.weight"
    seed    FNV-1a-64 of the name's bytes
    out(i)  output i (from 0) of the splitmix64 stream that starts at seed:
            z = seed + (i+1)*0x9E3779B97F4A7C15            (mod 2^64)
            z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
            z = (z ^ z>>27) * 0x94D049BB133111EB
            out = z ^ z>>31
    u(i)    ((out(i) >> 40) / 2^24 - 0.5) * 2, in [-1, 1), exact in float32

Element i, counted in GGUF's order (the first dimension varies fastest), is,
every operation rounded to float32 (no fused multiply-add):

    1-D, name ends in "norm.weight"   1 + float32(0.1)*u(i)
    1-D, any other (".bias")          float32(0.1)*u(i)
    token_embd.weight                 u(i)
    2-D and 3-D                       u(i) * float32(1/sqrt(float64(first dimension)))

Token t of the input is (out(t) >> 40) mod n_vocab of the stream whose seed is
FNV-1a-64 of "tokens". The tensors of a model are those of its "tensors" in
NAME.json, dimensions in GGUF's order; layouts are those of GGUF files (llama's
q and k rows permuted for interleaved rotation, deepseek2's kv_b split).

NAME.logits is [tokens][n_vocab] float32, little-endian.

    pip install torch transformers gguf && python golden.py [FOLDER]

With FOLDER it also writes FOLDER/NAME.gguf and the safetensors folder
FOLDER/NAME, from which other programs can be asked for the same logits.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import transformers

VOCAB, TOKENS, EMBD, HEADS = 320, 24, 256, 4
GAMMA = np.uint64(0x9E3779B97F4A7C15)


def fnv1a(name: str) -> int:
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = (h ^ b) * 0x100000001B3 % 2**64
    return h


def top24(name: str, n: int) -> np.ndarray:
    """The upper 24 bits of the first n outputs of the stream of that name."""
    with np.errstate(over="ignore"):
        z = np.uint64(fnv1a(name)) + np.arange(1, n + 1, dtype=np.uint64) * GAMMA
        z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        return (z ^ z >> np.uint64(31)) >> np.uint64(40)


def weights(name: str, dims: list[int]) -> torch.Tensor:
    """The tensor of that name, its shape the reverse of dims."""
    u = ((top24(name, int(np.prod(dims))) / 2.0**24 - 0.5) * 2).astype(np.float32)
    if len(dims) == 1:
        u = np.float32(0.1) * u
        if name.endswith("norm.weight"):
            u = np.float32(1) + u
    elif name != "token_embd.weight":
        u = u * np.float32(1 / np.sqrt(np.float64(dims[0])))
    assert u.dtype == np.float32
    return torch.from_numpy(u.reshape(dims[::-1]))


def unpermute(w: torch.Tensor, heads: int) -> torch.Tensor:
    """Rows of interleaved rotation (x0 x1)(x2 x3).. to those of halves (x0 xh)(x1 xh+1).."""
    return w.reshape(heads, w.shape[0] // heads // 2, 2, -1).swapaxes(1, 2).reshape(w.shape)


class Model:
    """One golden model: its tensors by GGUF name, its configuration under both names."""

    def __init__(self, name: str, arch: str, hf, keys: dict, tied: bool = False):
        self.name, self.arch, self.hf, self.tied = name, arch, hf, tied
        self.keys = {f"{arch}.{k}": v for k, v in keys.items()}
        self.tensors: dict[str, list[int]] = {}
        self.state: dict[str, torch.Tensor] = {}

    def get(self, name: str, *dims: int) -> torch.Tensor:
        self.tensors[name] = list(dims)
        return weights(name, list(dims))

    def put(self, hf: str, name: str, *dims: int) -> None:
        self.state[hf] = self.get(name, *dims)

    def ends(self) -> None:
        self.put("model.embed_tokens.weight", "token_embd.weight", EMBD, VOCAB)
        self.put("model.norm.weight", "output_norm.weight", EMBD)
        if self.tied:
            self.state["lm_head.weight"] = self.state["model.embed_tokens.weight"]
        else:
            self.put("lm_head.weight", "output.weight", EMBD, VOCAB)

    def norms(self, b: str, h: str) -> None:
        self.put(h + "input_layernorm.weight", b + "attn_norm.weight", EMBD)
        self.put(h + "post_attention_layernorm.weight", b + "ffn_norm.weight", EMBD)

    def attention(self, b: str, h: str, kv: int, dim: int, permuted: bool) -> None:
        for x, heads in (("q", HEADS), ("k", kv), ("v", kv)):
            w = self.get(f"{b}attn_{x}.weight", EMBD, heads * dim)
            self.state[f"{h}self_attn.{x}_proj.weight"] = unpermute(w, heads) if permuted and x != "v" else w
        self.put(h + "self_attn.o_proj.weight", b + "attn_output.weight", HEADS * dim, EMBD)

    def head_norms(self, b: str, h: str, dim: int) -> None:
        for x in "qk":
            self.put(f"{h}self_attn.{x}_norm.weight", f"{b}attn_{x}_norm.weight", dim)

    def mlp(self, b: str, h: str, ff: int, suffix: str = "") -> None:
        for x, dims in (("gate", (EMBD, ff)), ("up", (EMBD, ff)), ("down", (ff, EMBD))):
            self.put(f"{h}{x}_proj.weight", f"{b}ffn_{x}{suffix}.weight", *dims)

    def experts(self, b: str, h: str, n: int, ff: int) -> None:
        self.put(h + "gate.weight", b + "ffn_gate_inp.weight", EMBD, n)
        gate = self.get(b + "ffn_gate_exps.weight", EMBD, ff, n)
        up = self.get(b + "ffn_up_exps.weight", EMBD, ff, n)
        self.state[h + "experts.gate_up_proj"] = torch.cat([gate, up], dim=1)
        self.put(h + "experts.down_proj", b + "ffn_down_exps.weight", ff, EMBD, n)

    def latent(self, b: str, h: str, q_rank: int, rank: int, nope: int, rope: int, v: int) -> None:
        if q_rank:
            self.put(h + "q_a_proj.weight", b + "attn_q_a.weight", EMBD, q_rank)
            self.put(h + "q_a_layernorm.weight", b + "attn_q_a_norm.weight", q_rank)
            self.put(h + "q_b_proj.weight", b + "attn_q_b.weight", q_rank, HEADS * (nope + rope))
        else:
            self.put(h + "q_proj.weight", b + "attn_q.weight", EMBD, HEADS * (nope + rope))
        self.put(h + "kv_a_proj_with_mqa.weight", b + "attn_kv_a_mqa.weight", EMBD, rank + rope)
        self.put(h + "kv_a_layernorm.weight", b + "attn_kv_a_norm.weight", rank)
        k = self.get(b + "attn_k_b.weight", nope, rank, HEADS).transpose(1, 2)  # [head][nope][rank]
        w = torch.cat([k, self.get(b + "attn_v_b.weight", rank, v, HEADS)], dim=1)
        self.state[h + "kv_b_proj.weight"] = w.reshape(HEADS * (nope + v), rank)
        self.put(h + "o_proj.weight", b + "attn_output.weight", HEADS * v, EMBD)


def base(layers: int, kv: int, eps: float, theta: float) -> tuple[dict, dict]:
    """What all architectures share, as transformers and as GGUF name it."""
    hf = dict(vocab_size=VOCAB, hidden_size=EMBD, num_hidden_layers=layers, num_attention_heads=HEADS,
              rms_norm_eps=eps, max_position_embeddings=512, bos_token_id=VOCAB - 4, eos_token_id=VOCAB - 3,
              rope_parameters={"rope_type": "default", "rope_theta": theta})
    gguf = {"context_length": 512, "embedding_length": EMBD, "block_count": layers, "vocab_size": VOCAB,
            "attention.head_count": HEADS, "attention.head_count_kv": kv,
            "attention.layer_norm_rms_epsilon": eps, "rope.freq_base": theta}
    return hf, gguf


def llama(name: str, tied: bool) -> Model:
    hf, gguf = base(layers=2, kv=2, eps=1e-5, theta=1e4)
    ff, dim = 512, EMBD // HEADS
    hf |= dict(num_key_value_heads=2, intermediate_size=ff, tie_word_embeddings=tied)
    gguf |= {"feed_forward_length": ff, "rope.dimension_count": dim}
    m = Model(name, "llama", transformers.LlamaConfig(**hf), gguf, tied)
    m.ends()
    for i in range(2):
        b, h = f"blk.{i}.", f"model.layers.{i}."
        m.norms(b, h)
        m.attention(b, h, 2, dim, permuted=True)
        m.mlp(b, h + "mlp.", ff)
    return m


def qwen3(name: str) -> Model:
    hf, gguf = base(layers=2, kv=2, eps=1e-6, theta=1e6)
    ff, dim = 512, 32
    hf |= dict(num_key_value_heads=2, head_dim=dim, intermediate_size=ff, tie_word_embeddings=True)
    gguf |= {"attention.key_length": dim, "attention.value_length": dim, "feed_forward_length": ff}
    m = Model(name, "qwen3", transformers.Qwen3Config(**hf), gguf, tied=True)
    m.ends()
    for i in range(2):
        b, h = f"blk.{i}.", f"model.layers.{i}."
        m.norms(b, h)
        m.attention(b, h, 2, dim, permuted=False)
        m.head_norms(b, h, dim)
        m.mlp(b, h + "mlp.", ff)
    return m


def qwen3moe(name: str) -> Model:
    hf, gguf = base(layers=2, kv=2, eps=1e-6, theta=1e6)
    n, ff, dim = 4, 256, 64
    hf |= dict(num_key_value_heads=2, head_dim=dim, num_experts=n, num_experts_per_tok=2,
               moe_intermediate_size=ff, norm_topk_prob=True, tie_word_embeddings=False)
    gguf |= {"attention.key_length": dim, "attention.value_length": dim, "rope.dimension_count": dim,
             "expert_count": n, "expert_used_count": 2, "expert_feed_forward_length": ff}
    m = Model(name, "qwen3moe", transformers.Qwen3MoeConfig(**hf), gguf)
    m.ends()
    for i in range(2):
        b, h = f"blk.{i}.", f"model.layers.{i}."
        m.norms(b, h)
        m.attention(b, h, 2, dim, permuted=False)
        m.head_norms(b, h, dim)
        m.experts(b, h + "mlp.", n, ff)
    return m


def deepseek2(name: str, q_rank: int = 0, v3: bool = False, n: int = 4, groups: int = 1) -> Model:
    """DeepSeek-V2 (softmax), or V3 (sigmoid with bias, weights normed and scaled, groups)."""
    hf, gguf = base(layers=3, kv=1, eps=1e-6, theta=1e4)
    rank, nope, rope, v, ff, dense = 64, 32, 32, 32, 256, 512
    scale, used = (2.5, max(1, groups // 2)) if v3 else (1.0, 1)
    hf |= dict(num_key_value_heads=HEADS, intermediate_size=dense, moe_intermediate_size=ff, n_routed_experts=n,
               num_experts_per_tok=2, n_shared_experts=1, first_k_dense_replace=1, q_lora_rank=q_rank or None,
               kv_lora_rank=rank, qk_nope_head_dim=nope, qk_rope_head_dim=rope, v_head_dim=v,
               routed_scaling_factor=scale, norm_topk_prob=v3, tie_word_embeddings=False)
    hf |= dict(n_group=groups, topk_group=used, num_mtp_layers=0) if v3 else dict(topk_method="greedy")
    gguf |= {"attention.q_lora_rank": q_rank, "attention.kv_lora_rank": rank, "attention.key_length": rank + rope,
             "attention.value_length": rank, "attention.key_length_mla": nope + rope, "attention.value_length_mla": v,
             "rope.dimension_count": rope, "leading_dense_block_count": 1, "feed_forward_length": dense,
             "expert_feed_forward_length": ff, "expert_count": n, "expert_used_count": 2, "expert_shared_count": 1,
             "expert_weights_scale": scale, "expert_weights_norm": v3, "expert_gating_func": 2 if v3 else 1}
    if groups > 1:
        gguf |= {"expert_group_count": groups, "expert_group_used_count": used}
    config = transformers.DeepseekV3Config if v3 else transformers.DeepseekV2Config
    m = Model(name, "deepseek2", config(**hf), gguf)
    m.ends()
    for i in range(3):
        b, h = f"blk.{i}.", f"model.layers.{i}."
        m.norms(b, h)
        m.latent(b, h + "self_attn.", q_rank, rank, nope, rope, v)
        if i == 0:
            m.mlp(b, h + "mlp.", dense)
            continue
        m.experts(b, h + "mlp.", n, ff)
        m.mlp(b, h + "mlp.shared_experts.", ff, "_shexp")
        if v3:
            m.put(h + "mlp.gate.e_score_correction_bias", b + "exp_probs_b.bias", n)
    return m


def vocabulary() -> tuple[list[str], list[tuple[str, str]]]:
    """GPT-2's 256 bytes, 60 merges of two letters, 4 control tokens; and the merges."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {b: chr(b) for b in shown} | {b: chr(256 + i) for i, b in enumerate(b for b in range(256) if b not in shown)}
    pairs = ("th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me de hi ri ro ic "
             "ne ea ra ce li ch ll be ma si om ur").split()
    merges = [(p[0], p[1]) for p in pairs] + [("\u0120", c) for c in "tabsiwhfom"[: 60 - len(pairs)]]
    bytes_ = [letters[b] for b in shown] + [letters[b] for b in range(256) if b not in shown]
    tokens = bytes_ + [a + b for a, b in merges] + ["<|bos|>", "<|eos|>", "<|user|>", "<|assistant|>"]
    assert len(merges) == 60 and len(set(tokens)) == VOCAB
    return tokens, merges


def write_gguf(m: Model, path: Path) -> None:
    import gguf

    w = gguf.GGUFWriter(path, m.arch)
    w.add_name(m.name)
    for key, value in m.keys.items():
        {bool: w.add_bool, int: w.add_uint32, float: w.add_float32}[type(value)](key, value)
    tokens, merges = vocabulary()
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list(tokens)
    w.add_token_types([3 if t.startswith("<|") else 1 for t in tokens])
    w.add_token_merges([" ".join(p) for p in merges])
    w.add_bos_token_id(VOCAB - 4)
    w.add_eos_token_id(VOCAB - 3)
    w.add_add_bos_token(False)
    for name, dims in m.tensors.items():
        w.add_tensor(name, weights(name, dims).numpy())
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def write_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    tokens, merges = vocabulary()
    t = Tokenizer(models.BPE(vocab={s: i for i, s in enumerate(tokens)}, merges=merges))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    t.add_special_tokens(tokens[-4:])
    transformers.PreTrainedTokenizerFast(tokenizer_object=t, bos_token=tokens[-4], eos_token=tokens[-3]).save_pretrained(folder)


def main() -> None:
    here, out = Path(__file__).parent, Path(sys.argv[1]) if len(sys.argv) > 1 else None
    torch.set_num_threads(1)
    ids = [int(x) % VOCAB for x in top24("tokens", TOKENS)]
    for m in (llama("llama", False), llama("llama-tied", True), qwen3("qwen3"), qwen3moe("qwen3moe"),
              deepseek2("deepseek2"),
              deepseek2("deepseek2-qlora", q_rank=128), deepseek2("deepseek3", q_rank=128, v3=True),
              deepseek2("deepseek3-groups", v3=True, n=8, groups=4)):
        m.hf._attn_implementation, m.hf._experts_implementation = "eager", "eager"
        net = transformers.AutoModelForCausalLM.from_config(m.hf, dtype=torch.float32).eval()
        net.load_state_dict(m.state, strict=True)
        with torch.no_grad():
            logits = net(torch.tensor([ids]), use_cache=False).logits[0].numpy().astype("<f4")
        logits.tofile(here / f"{m.name}.logits")
        doc = {"made_by": f"golden.py: {type(net).__name__} of transformers {transformers.__version__}, "
                          f"torch {torch.__version__}, float32, eager attention, CPU",
               "architecture": m.arch, "metadata": m.keys, "tokens": ids, "tensors": m.tensors}
        text = json.dumps(doc, indent=1)
        for dims in m.tensors.values():  # one tensor, one line
            text = text.replace(json.dumps(dims, indent=1).replace("\n", "\n  "), json.dumps(dims))
        text = text.replace(json.dumps(ids, indent=1).replace("\n", "\n "), json.dumps(ids))
        (here / f"{m.name}.json").write_text(text + "\n")
        print(m.name, logits.shape, "rms", np.sqrt((logits**2).mean()), sum(p.numel() for p in net.parameters()), "parameters")
        if out:
            out.mkdir(parents=True, exist_ok=True)
            write_gguf(m, out / f"{m.name}.gguf")
            net.save_pretrained(out / m.name)
            write_tokenizer(out / m.name)


if __name__ == "__main__":
    main()
