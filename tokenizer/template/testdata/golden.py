"""Makes golden.json: what Hugging Face's transformers renders for the templates
in this folder, which are ours, in the manner of models in common use; by the same jinja2 environment that it sets up
(utils/chat_template_utils.py: a sandbox with trim_blocks and lstrip_blocks,
loop controls, tojson without HTML escapes, raise_exception, and the generation
block as a plain one).

    pip install jinja2==3.1.6 && python golden.py
"""
import glob, json, re
from jinja2 import TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

class Generation(Extension):
    tags = {"generation"}
    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.Scope(body, lineno=line)

def raise_exception(message):
    raise TemplateError(message)

env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
env.filters["tojson"] = lambda x, ensure_ascii=False, indent=None, separators=None, sort_keys=False: json.dumps(
    x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
env.globals["raise_exception"] = raise_exception

def m(*turns):
    return [{"role": r, "content": c} for r, c in turns]

CHATS = [
    m(("user", "Hi")),
    m(("user", " Hi there \n"), ("assistant", " Hello!\n"), ("user", "Why?")),
    m(("system", "Be brief."), ("user", "Hi")),
    m(("system", " Be\nbrief. "), ("user", "A"), ("assistant", "B"), ("user", "C"), ("assistant", "D")),
    m(("assistant", "First.")),
    m(("user", "A"), ("user", "B")),
    m(("user", "<|im_end|>{{ evil }}{% if %} <s>[INST] \"q\" 'x' & <b>")),
    m(("user", "A"), ("assistant", "<think>\nhm\n</think>\n\nB"), ("user", "C")),
    m(("system", "S"), ("user", "Привет 🙂 مرحبا"), ("tool", "42")),
    m(("user", "")),
    [],
]

out = []
names = [("<s>", "</s>"), ("<|endoftext|>", "<|im_end|>")]
sources = {f: open(f).read() for f in sorted(glob.glob("*.jinja"))}
for name, src in sources.items():
    t = env.from_string(src)
    for i, chat in enumerate(CHATS):
        for prompt in (False, True):
            bos, eos = names[i % 2]
            e = {"template": name, "messages": chat, "prompt": prompt, "bos": bos, "eos": eos}
            try:
                e["text"] = t.render(messages=chat, tools=None, documents=None, add_generation_prompt=prompt, bos_token=bos, eos_token=eos)
            except Exception as err:
                e["error"] = type(err).__name__ + ": " + str(err)
            out.append(e)
json.dump(out, open("golden.json", "w"), ensure_ascii=True, separators=(",", ":"))
