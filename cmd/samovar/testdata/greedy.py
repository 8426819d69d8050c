"""Makes greedy.json: the 64 tokens that transformers writes in FP32 after each of
ten beginnings, always the likeliest, with the weights of the shipped model:

    samovar models export house --format safetensors --out FOLDER
    pip install torch transformers && python greedy.py FOLDER

transformers 5.24.0, torch 2.15.0, x86-64.
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

BEGINNINGS = [
    "Once upon a time",
    "One day, a little girl named Lily",
    "The old man looked at the sea and",
    "\"Who is there?\" asked the",
    "It was raining, and the dog wanted",
    "The captain of the ship",
    "In the middle of the forest stood a house, and in the house",
    "Tom had a red ball.",
    "The king was sad because",
    "When the sun went down, the two friends",
]

folder = Path(sys.argv[1])
tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
lines = []
for text in BEGINNINGS:
    prompt = tokenizer.encode(text, add_special_tokens=False)
    ids = list(prompt)
    with torch.no_grad():
        for _ in range(64):
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    lines.append(json.dumps({"prompt": prompt, "tokens": ids[len(prompt):]}))
(Path(__file__).parent / "greedy.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
