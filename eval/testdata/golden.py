"""Makes golden.json: what lm-evaluation-harness makes of pairs.jsonl (as its
task blimp asks) and endings.jsonl (as hellaswag asks, without its cleaning of
texts), with transformers in FP32 on the models that

    SAMOVAR_WRITE=FOLDER go test -run Golden ./eval

leaves in FOLDER/plain and FOLDER/bos, together with tokenizer.json here. Then

    pip install torch transformers accelerate lm_eval && python golden.py FOLDER

lm_eval 0.4.13, transformers 4.57.6, torch 2.15.0, x86-64.
"""

import json
import sys
from pathlib import Path

import numpy as np
from lm_eval.api.instance import Instance
from lm_eval.api.metrics import mean_stderr
from lm_eval.models.huggingface import HFLM

HERE = Path(__file__).parent


def items(name):
    return [json.loads(line) for line in (HERE / name).read_text().splitlines()]


def ask(lm, questions):
    """questions: (context, choices, right). lm_eval/api/task.py, construct_requests and process_results."""
    requests = [Instance("loglikelihood", {}, (c, " " + x), i) for c, choices, _ in questions for i, x in enumerate(choices)]
    values = iter(v for v, _ in lm.loglikelihood(requests, disable_tqdm=True))
    logs, acc, norm = [], [], []
    for _, choices, right in questions:
        lls = [next(values) for _ in choices]
        logs.append(lls)
        acc.append(float(np.argmax(lls) == right))
        norm.append(float(np.argmax(lls / np.array([float(len(c)) for c in choices])) == right))
    return {
        "logs": logs,
        "acc": np.mean(acc), "acc_stderr": mean_stderr(acc),
        "acc_norm": np.mean(norm), "acc_norm_stderr": mean_stderr(norm),
    }


result = {}
for name in ["plain", "bos"]:
    lm = HFLM(pretrained=str(Path(sys.argv[1]) / name), dtype="float32", device="cpu", batch_size=1)
    result[name] = {
        "pairs": ask(lm, [("", [p["sentence_good"], p["sentence_bad"]], 0) for p in items("pairs.jsonl")]),
        "endings": ask(lm, [(e["ctx"], e["endings"], int(e["label"])) for e in items("endings.jsonl")]),
    }
(HERE / "golden.json").write_text(json.dumps(result, indent=1) + "\n")
