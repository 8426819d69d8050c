"""Encodes texts with tiktoken, for dev/encode: python tiktoken.py tokenizer.json

Each line of the input is the path of a text. The answer is the seconds of processor time that
encoding took, how many ids came out and a sum over them.
"""
import json
import sys
import time

import tiktoken

visible = [*range(33, 127), *range(161, 173), *range(174, 256)]  # bytes that GPT-2 writes as they are
hidden = [b for b in range(256) if b not in visible]
of_rune = {chr(b): b for b in visible} | {chr(256 + i): b for i, b in enumerate(hidden)}

with open(sys.argv[1]) as f:
    t = json.load(f)
control = {x["content"] for x in t["added_tokens"]}
steps = t["pre_tokenizer"].get("pretokenizers", [t["pre_tokenizer"]])
pattern = "|".join(s["pattern"]["Regex"] for s in steps if "pattern" in s)
ranks = {bytes(of_rune[c] for c in name): i for name, i in t["model"]["vocab"].items() if name not in control}
encoding = tiktoken.Encoding("samovar", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
print("ready", tiktoken.__version__, flush=True)
for line in sys.stdin:
    with open(line.strip(), encoding="utf-8") as f:
        text = f.read()
    start = time.process_time()
    ids = encoding.encode_ordinary(text)
    seconds = time.process_time() - start
    total = 0
    for i in ids:
        total = (total * 31 + i) % 1000003
    print(seconds, len(ids), total, flush=True)
