"""Makes golden.json: what lm-evaluation-harness makes of pairs.jsonl (as its
task blimp asks), endings.jsonl (as hellaswag asks, without its cleaning of
texts), black_tea_test.csv (as mmlu asks, without shots and after the first two of
black_tea_dev.csv), problems.jsonl (as gsm8k asks, without
shots and after the first two of solved.jsonl), with transformers in FP32 on the
models that

    SAMOVAR_WRITE=FOLDER go test -run Golden ./eval

leaves in FOLDER/plain, /bos and, with a longer window, /plain-long and /bos-long,
together with tokenizer.json here; and how gsm8k scores the texts of replies.jsonl.
Then

    pip install torch transformers accelerate lm_eval && python golden.py FOLDER

lm_eval 0.4.13, transformers 5.24.0, torch 2.15.0, x86-64.
"""

import json
import sys
from pathlib import Path

import numpy as np
from lm_eval.api.instance import Instance
from lm_eval.api.metrics import mean_stderr
from lm_eval.api.model import LM

import harness

HERE = Path(__file__).parent


def items(name):
    return harness.problems(HERE / name)


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


class Replies(LM):
    """Answers each problem with its reply."""

    def __init__(self, replies):
        super().__init__()
        self.replies = replies

    def generate_until(self, requests, disable_tqdm=False):
        return [self.replies[r.doc_id] for r in requests]

    def loglikelihood(self, requests, disable_tqdm=False):
        raise NotImplementedError

    loglikelihood_rolling = loglikelihood


replies = items("replies.jsonl")
scored = harness.gsm8k(Replies([r["reply"] for r in replies]), [{"question": "?"} | r for r in replies])
del scored["texts"]
result = {"replies": scored}
for name in ["plain", "bos"]:
    lm = harness.load(Path(sys.argv[1]) / name)
    long = harness.load(Path(sys.argv[1]) / (name + "-long"))
    result[name] = {
        "pairs": ask(lm, [("", [p["sentence_good"], p["sentence_bad"]], 0) for p in items("pairs.jsonl")]),
        "endings": ask(lm, [(e["ctx"], e["endings"], int(e["label"])) for e in items("endings.jsonl")]),
        "letters": harness.mmlu(long, [HERE / "black_tea_test.csv"]),
        "letters_shots": harness.mmlu(long, [HERE / "black_tea_test.csv"], 2, HERE),
        "problems": harness.gsm8k(long, items("problems.jsonl")),
        "shots": harness.gsm8k(long, items("problems.jsonl"), 2, items("solved.jsonl")),
    }
(HERE / "golden.json").write_text(json.dumps(result, indent=1) + "\n")
