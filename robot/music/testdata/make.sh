#!/bin/sh
# Makes sound.mp3, sound.ogg and sound.flac: 1.5 s in two channels at 44,100 Hz of
# 440 Hz on the left and 1,500 Hz on the right, both from 0.5 s on at half of full scale.
# Needs python3, lame 3.100, oggenc 1.4.2 (libvorbis) and flac 1.4.2.
set -e
python3 - <<'PY'
import math, struct, wave
w = wave.open("sound.wav", "wb")
w.setparams((2, 2, 44100, 0, "NONE", ""))
for i in range(66150):
    t = i / 44100
    on = 16384 if t >= 0.5 else 0
    w.writeframes(struct.pack("<hh", round(on * math.sin(2 * math.pi * 440 * t)), round(on * math.sin(2 * math.pi * 1500 * t))))
PY
lame --quiet -b 64 --id3v2-only --tt sound sound.wav sound.mp3
oggenc -Q -q 0 -t sound -o sound.ogg sound.wav
flac -s -f -T title=sound -o sound.flac sound.wav
rm sound.wav
