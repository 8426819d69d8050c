"""Writes phonemes.json: when each phoneme of a few sentences begins, as libespeak-ng
itself says while it speaks: the reference for the times of visemes.

    python3 phonemes.py > phonemes.json     (needs libespeak-ng.so.1)
"""

import ctypes
import json

SENTENCES = [
    ("en", "Hello! I am Samovar, a humanoid robot. I can talk, and I can dance to your music."),
    ("en", "Once upon a time there was a king who had three daughters, and the youngest was clever."),
    ("fr", "Bonjour ! Je suis Samovar, un robot humanoïde. Je parle, et je danse sur votre musique."),
    ("ru", "Здравствуйте! Я Samovar, человекоподобный робот. Я разговариваю и танцую под вашу музыку."),
    ("ar", "مرحبا! أنا روبوت على هيئة إنسان. أتحدث وأرقص على موسيقاكم."),
    # From here on none has been looked at when the sounds in phone.go were measured.
    ("en", "The weather was fine, so we took the boat; my sister forgot her hat. Would you believe it?"),
    ("fr", "La semaine prochaine, nous partirons à la campagne avec des amis. Est-ce que vous venez ?"),
    ("ru", "Вчера вечером, когда все ушли, мы долго сидели на кухне и пили чай. Было очень тихо."),
    ("ar", "ذهبت إلى السوق صباح اليوم، واشتريت خبزا وتفاحا. هل تريد أن تأكل معنا؟"),
]
RATE_PARAMETER, WORDS_A_MINUTE = 1, 160
SYNCHRONOUS, PHONEME_EVENTS, IPA, PHONEME, UTF8 = 2, 1, 2, 7, 1


class Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class Event(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("unique", ctypes.c_uint), ("position", ctypes.c_int), ("length", ctypes.c_int),
                ("audio", ctypes.c_int), ("sample", ctypes.c_int), ("user", ctypes.c_void_p), ("id", Id)]


CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))


def main():
    lib = ctypes.CDLL("libespeak-ng.so.1")
    rate = lib.espeak_Initialize(SYNCHRONOUS, 0, None, PHONEME_EVENTS | IPA)
    assert rate > 0
    heard, count = [], [0]

    def callback(wav, samples, events):
        count[0] += samples
        i = 0
        while events[i].type != 0:
            if events[i].type == PHONEME:
                heard.append((events[i].sample, events[i].id.string.decode("utf-8", "replace")))
            i += 1
        return 0

    hold = CALLBACK(callback)
    lib.espeak_SetSynthCallback(hold)
    out = []
    for language, text in SENTENCES:
        heard.clear()
        count[0] = 0
        assert lib.espeak_SetVoiceByName(language.encode()) == 0
        lib.espeak_SetParameter(RATE_PARAMETER, WORDS_A_MINUTE, 0)
        raw = text.encode() + b"\0"
        assert lib.espeak_Synth(raw, len(raw), 0, 0, 0, UTF8, None, None) == 0
        lib.espeak_Synchronize()
        out.append({"language": language, "text": text, "seconds": count[0] / rate,
                    "phonemes": [[round(s / rate, 4), ipa] for s, ipa in heard]})
    print(json.dumps(out, ensure_ascii=False, indent=None, separators=(",", ":")).replace('{"language"', '\n{"language"'))


main()
