"""Asks lm-evaluation-harness's own tasks of local files: its YAML decides prompts,
fewshot examples, stops, filters and metrics; only where the data lie is overridden.

    python harness.py MODEL mmlu FILE.csv|FOLDER [--limit N] [--shots N --examples FOLDER]
    python harness.py MODEL gsm8k FILE.jsonl [--limit N] [--shots N --examples FILE]

prints what it makes of every item and of all. --examples: their first N, where
gsm8k draws by default. MODEL is a folder that transformers reads.
lm_eval 0.4.13, with gsm8k version 3 and mmlu version 1.
"""

import argparse
import csv
import json
import re
import tempfile
from pathlib import Path

import lm_eval
import yaml
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

TASKS = Path(lm_eval.__file__).parent / "tasks"


def questions(file):
    """The rows of MMLU as its dataset has them."""
    with open(file, encoding="utf-8", newline="") as f:
        return [{"question": r[0], "choices": r[1:5], "answer": "ABCD".index(r[5])} for r in csv.reader(f)]


def problems(file):
    return [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]


def ask(lm, base, sets, shots=0):
    """sets: {name: (items, examples, description)}. base: the harness's YAML."""
    with tempfile.TemporaryDirectory() as folder:
        for name, (items, examples, description) in sets.items():
            files = {}
            for split, rows in [("test", items), ("train", examples)]:
                if rows:
                    files[split] = str(Path(folder) / f"{name}.{split}.jsonl")
                    Path(files[split]).write_text("".join(json.dumps(r) + "\n" for r in rows))
            task = yaml.safe_load((TASKS / base).read_text()) | {
                "task": name, "dataset_path": "json", "dataset_name": None,
                "dataset_kwargs": {"data_files": files, "cache_dir": folder},
                "test_split": "test", "training_split": None, "fewshot_split": "train" if examples else None,
                "fewshot_config": {"sampler": "first_n"}, "num_fewshot": shots,
            }
            if description:
                task["description"] = description
            (Path(folder) / f"{name}.yaml").write_text(yaml.safe_dump(task))
        return lm_eval.simple_evaluate(
            lm, tasks=list(sets), task_manager=TaskManager(include_defaults=False, include_path=folder),
            log_samples=True)


def mmlu(lm, files, shots=0, examples=None, limit=None):
    sets = {}
    for file in files:
        subject = re.sub("_(test|val|dev)$", "", file.stem)
        solved = questions(Path(examples) / f"{subject}_dev.csv") if shots else None
        about = f"The following are multiple choice questions (with answers) about {' '.join(subject.split('_'))}.\n\n"
        sets[file.stem] = (questions(file)[:limit], solved, about)
    r = ask(lm, "mmlu/default/_default_template_yaml", sets, shots)
    logs, right = {}, {}
    for name in sets:
        samples = sorted(r["samples"][name], key=lambda s: s["doc_id"])
        logs[name] = [[lls[0] for lls in s["filtered_resps"]] for s in samples]
        right[name] = [s["acc"] for s in samples]
    return {"logs": logs, "right": right,
            "acc": {n: r["results"][n]["acc,none"] for n in sets}}


def gsm8k(lm, items, shots=0, examples=None):
    r = ask(lm, "gsm8k/gsm8k.yaml", {"gsm8k": (items, examples, None)}, shots)
    out = {"texts": [None] * len(items)}
    for s in r["samples"]["gsm8k"]:
        f, i = s["filter"], s["doc_id"]
        out["texts"][i] = s["resps"][0][0]
        out.setdefault(f, [None] * len(items))[i] = s["exact_match"]
        out.setdefault(f + " extracted", [None] * len(items))[i] = s["filtered_resps"][0]
    out["exact_match"] = {f: r["results"]["gsm8k"][f"exact_match,{f}"] for f in ["strict-match", "flexible-extract"]}
    out["stderr"] = {f: r["results"]["gsm8k"][f"exact_match_stderr,{f}"] for f in ["strict-match", "flexible-extract"]}
    return out


def load(folder, batch=1):
    return HFLM(pretrained=str(folder), dtype="float32", device="cpu", batch_size=batch)


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("model")
    p.add_argument("task", choices=["mmlu", "gsm8k"])
    p.add_argument("data", type=Path)
    p.add_argument("--limit", type=int)
    p.add_argument("--shots", type=int, default=0)
    p.add_argument("--examples", type=Path)
    p.add_argument("--batch", type=int, default=1)
    a = p.parse_args()
    lm = load(a.model, a.batch)
    if a.task == "mmlu":
        files = sorted(a.data.glob("*.csv")) if a.data.is_dir() else [a.data]
        print(json.dumps(mmlu(lm, files, a.shots, a.examples, a.limit), indent=1))
    else:
        print(json.dumps(gsm8k(lm, problems(a.data)[: a.limit], a.shots, a.examples and problems(a.examples)), indent=1))
