"""Makes split.json, trained.json and encoded.json with Hugging Face's
tokenizers 0.23 (pip install tokenizers jinja2 regex):

    python golden.py            # split.json, trained.json
    python golden.py tokenizer.json   # encoded.json, from the tokenizer.json that
                                # SAMOVAR_WRITE=tokenizer.json go test -run HuggingFaceReads writes
"""
import json, random, sys
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

TEXTS = [
    "Hello world", " Hello", "  Hello  ", "\n", "\n\n", " \n \n  x", "a \r\n\t b", "tab\t\tx", "   ", "x   ", "",
    "I'll can't WE'VE they'Re 'S 'sx 'ſ x'ſy 'x ' '' it's'll",
    "1 12 123 1234 12345 x1y22z ½Ⅷ ١٢٣٤ ৪৫",
    "Привет, мир! Ёлка ЁЛКА ёЛКА", "مَرْحَبًا بِالعَالَم", "e\u0301te\u0301 \u0301x x\u0301 \u0301", "नमस्ते दुनिया", "学习 中文。", "한국어 조합",
    "a\u00a0b\u2003c\u0085d\u180ee\u200bf\u3000", "a\u001cb\u000b\u000cc", "🙂 👩\u200d🔬🏽 x🙂y", "(foo)[bar]{baz}; x+=1//2\n\n\t#!", "path/to/file\n/x //\n\r/",
    "CamelCaseWord HTTPServer iOS ǅuro ʰa ªb ᏣᎳᎩ ꭰ aA1Bb", "snake_case __init__ -- ---\n---\r\n", "\u202eabc\ufeff x \U000e0100y \U0010fffd z",
    "'S\nA'D  don\u2019t", "end\n ", "x \n", "..\n\n..", " 1  2", "  1", "a  1b", "\t1\n2",
]
random.seed(7)
PIECES = list("aAbZé Ёяø 1٣½ \t\n\r'!/.-_ſªǅ中\u0301\u064e\u200d\u00a0🙂") + ["'s", "'LL", "  ", "\r\n", "'re", "12", "Ab"]
for _ in range(150):
    TEXTS.append("".join(random.choice(PIECES) for _ in range(random.randint(3, 24))))

def pre_tokenizer(regexes):
    steps = [pre_tokenizers.Split(Regex(r), "isolated") for r in regexes]
    return pre_tokenizers.Sequence(steps + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])

def split():
    out = {}
    for name, regexes in json.load(open("regex.json")).items():
        seq = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r), "isolated") for r in regexes])
        out[name] = [[p for p, _ in seq.pre_tokenize_str(t)] for t in TEXTS]
    json.dump({"texts": TEXTS, "pieces": out}, open("split.json", "w"), ensure_ascii=True, separators=(",", ":"))

def trained():
    docs = open("corpus.txt").read().split("\n\n")
    out = {}
    for name, regexes in json.load(open("regex.json")).items():
        t = Tokenizer(models.BPE())
        t.pre_tokenizer = pre_tokenizer(regexes)
        t.train_from_iterator(docs, trainers.BpeTrainer(vocab_size=256 + 250, min_frequency=2, show_progress=False,
                              initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
        m = json.loads(t.to_str())["model"]
        out[name] = [" ".join(x) if isinstance(x, list) else x for x in m["merges"]]
    json.dump(out, open("trained.json", "w"), ensure_ascii=True, indent=0)

def encoded(path):
    t = Tokenizer.from_file(path)
    texts = TEXTS + [open("corpus.txt").read(), "<|endoftext|>", "a <|im_start|>user\nhi<|im_end|>\n"]
    out = [{"text": x, "ids": t.encode(x, add_special_tokens=False).ids} for x in texts]
    assert t.encode("a").ids[0] == t.token_to_id("<|endoftext|>")
    for e in out:
        assert t.decode(e["ids"], skip_special_tokens=False) == e["text"], e
    json.dump(out, open("encoded.json", "w"), ensure_ascii=True, separators=(",", ":"))

if len(sys.argv) > 1:
    encoded(sys.argv[1])
else:
    split()
    trained()
