"""Writes dpo.json: DPO's loss and gradient (arXiv:2305.18290, equation 7) of a
tiny Llama, by automatic differentiation in float64. The model is written here
from its equations and shares nothing with the program that is tested.

    pip install jax==0.10.2 numpy==2.4.6
    python dpo.py
"""

import json

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

VOCAB, WIDTH, HEADS, KV, DIM, HIDDEN, WINDOW = 12, 8, 2, 1, 4, 12, 16
EPSILON, BASE, BETA = 1e-5, 10000.0, 0.3
SHAPES = {
    "token_embd.weight": (VOCAB, WIDTH),
    "blk.0.attn_norm.weight": (WIDTH,),
    "blk.0.attn_q.weight": (HEADS * DIM, WIDTH),
    "blk.0.attn_k.weight": (KV * DIM, WIDTH),
    "blk.0.attn_v.weight": (KV * DIM, WIDTH),
    "blk.0.attn_output.weight": (WIDTH, HEADS * DIM),
    "blk.0.ffn_norm.weight": (WIDTH,),
    "blk.0.ffn_gate.weight": (HIDDEN, WIDTH),
    "blk.0.ffn_up.weight": (HIDDEN, WIDTH),
    "blk.0.ffn_down.weight": (WIDTH, HIDDEN),
    "output_norm.weight": (WIDTH,),
}
# Prompt, chosen, rejected; the last pair's answers begin alike.
PAIRS = [
    ([1, 4, 2], [5, 6, 3], [7, 3]),
    ([1, 9], [8, 8, 8, 3], [2, 10, 3]),
    ([1, 5, 11, 2, 6], [4, 3], [4, 9, 9, 3]),
]


def norm(x, w):
    return x / jnp.sqrt(jnp.mean(x * x, axis=-1, keepdims=True) + EPSILON) * w


def rotate(x):  # [tokens, heads, DIM]; pairs of columns (2i, 2i+1)
    angle = jnp.arange(x.shape[0])[:, None, None] * BASE ** (-jnp.arange(0, DIM, 2) / DIM)
    a, b = x[..., 0::2], x[..., 1::2]
    return jnp.stack([a * jnp.cos(angle) - b * jnp.sin(angle), a * jnp.sin(angle) + b * jnp.cos(angle)], -1).reshape(x.shape)


def log_probabilities(w, ids):
    x = w["token_embd.weight"][ids]
    n = len(ids)
    y = norm(x, w["blk.0.attn_norm.weight"])
    q = rotate((y @ w["blk.0.attn_q.weight"].T).reshape(n, HEADS, DIM))
    k = rotate((y @ w["blk.0.attn_k.weight"].T).reshape(n, KV, DIM))
    v = (y @ w["blk.0.attn_v.weight"].T).reshape(n, KV, DIM)
    k, v = jnp.repeat(k, HEADS // KV, 1), jnp.repeat(v, HEADS // KV, 1)
    scores = jnp.einsum("ihd,jhd->hij", q, k) / np.sqrt(DIM)
    scores = jnp.where(jnp.tril(jnp.ones((n, n), bool)), scores, -jnp.inf)
    y = jnp.einsum("hij,jhd->ihd", jax.nn.softmax(scores, -1), v).reshape(n, -1)
    x = x + y @ w["blk.0.attn_output.weight"].T
    y = norm(x, w["blk.0.ffn_norm.weight"])
    y = jax.nn.silu(y @ w["blk.0.ffn_gate.weight"].T) * (y @ w["blk.0.ffn_up.weight"].T)
    x = x + y @ w["blk.0.ffn_down.weight"].T
    return jax.nn.log_softmax(norm(x, w["output_norm.weight"]) @ w["token_embd.weight"].T, -1)


def answer(w, prompt, ids):
    """The log-probability of an answer after its prompt."""
    all = prompt + ids
    p = log_probabilities(w, jnp.array(all[:-1]))
    return sum(p[i - 1, all[i]] for i in range(len(prompt), len(all)))


def margins(w, reference):
    return jnp.stack([
        BETA * ((answer(w, p, c) - answer(reference, p, c)) - (answer(w, p, r) - answer(reference, p, r)))
        for p, c, r in PAIRS
    ])


def loss(w, reference):
    return jnp.mean(-jax.nn.log_sigmoid(margins(w, reference)))


def weights(seed):
    r = np.random.default_rng(seed)
    return {
        name: np.round(1 + 0.1 * r.standard_normal(s) if len(s) == 1 else 0.5 * r.standard_normal(s), 4)
        for name, s in SHAPES.items()
    }


policy, reference = weights(1), weights(2)
value, gradient = jax.value_and_grad(loss)(policy, reference)
flat = lambda w, digits: {k: [round(float(x), digits) for x in np.asarray(v).ravel()] for k, v in w.items()}
pairs = []
for p, c, r in PAIRS:
    sides = []
    shared = len(p)
    while c[shared - len(p)] == r[shared - len(p)]:
        shared += 1
    for a in (c, r):
        all = p + a
        sides.append((all[:-1], [-1 if i < shared else all[i] for i in range(1, len(all))]))
    pairs.append({"Tokens": [s[0] for s in sides], "Targets": [s[1] for s in sides]})
json.dump({
    "config": {"architecture": "llama", "layers": 1, "width": WIDTH, "heads": HEADS, "kv_heads": KV, "head_dim": DIM, "hidden": HIDDEN,
               "vocabulary": VOCAB, "window": WINDOW, "epsilon": EPSILON, "rope_base": BASE, "tied": True},
    "beta": BETA, "pairs": pairs,
    "policy": flat(policy, 4), "reference": flat(reference, 4),
    "loss": float(value), "margins": [float(m) for m in margins(policy, reference)],
    "gradient": flat(gradient, 9),
}, open("dpo.json", "w"))
print(value, margins(policy, reference))
