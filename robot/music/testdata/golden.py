# Scores of random beats by mir_eval 0.8.2, numpy 2.4: python golden.py > beats.json
import json
import numpy as np
import mir_eval

rng = np.random.default_rng(5)
cases = []
for kind in ["close", "late", "double", "half", "random", "gaps", "one", "drift"]:
    truth = np.cumsum(rng.uniform(0.45, 0.55, 40)) + 0.3
    beats = truth + rng.normal(0, 0.03, truth.size)
    if kind == "late":
        beats = truth + 0.065 + rng.normal(0, 0.01, truth.size)
    if kind == "double":
        beats = np.sort(np.concatenate([truth, (truth[1:] + truth[:-1]) / 2]))
    if kind == "half":
        beats = truth[::2]
    if kind == "random":
        beats = np.sort(rng.uniform(0, 20, 50))
    if kind == "gaps":
        beats = np.delete(beats, [3, 15, 16, 30])
    if kind == "one":
        beats = truth[-1:]
    if kind == "drift":
        beats = truth * 1.008
    truth, beats = np.sort(truth.round(4)), np.sort(beats.round(4))
    t, b = mir_eval.beat.trim_beats(truth), mir_eval.beat.trim_beats(beats)
    c = mir_eval.beat.continuity(t, b)
    cases.append({"kind": kind, "truth": truth.tolist(), "beats": beats.tolist(),
                  "f": mir_eval.beat.f_measure(t, b), "longest": float(c[0]), "total": float(c[1])})
print("[" + ",\n".join(json.dumps(c) for c in cases) + "]")
