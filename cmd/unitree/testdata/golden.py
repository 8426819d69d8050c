"""Prints the checksums of message_test.go: CRC-32/MPEG-2 by the package fastcrc, over
little-endian words, of each the most significant byte first."""
import struct
from fastcrc import crc32

def checksum(b):
    words = struct.unpack("<%dI" % (len(b) // 4 - 1), b[:-4])
    return crc32.mpeg_2(struct.pack(">%dI" % len(words), *words))

command = [0, 5]
for i in range(35):
    command += [1, 0.25 * i, -0.5 * i, 1.5 * i, 100 + i, 2 + i, 0] if i < 29 else [0] * 7
print("command %08x" % checksum(struct.pack("<2B2x" + "B3x5fI" * 35 + "5I", *command, 0, 0, 0, 0, 0)))

state = [0, 0, 0, 5, 1234, 1, 0.5, 0.25, 0.125, 1, 2, 3, 4, 5, 9.75, 0, 0, 0, 0]
for i in range(35):
    state += [1, 0.25 * i, -0.5 * i, 0, 1.5 * i, 30 + i, 30 + i, 0, 0, 0, 0, 0, 0, 0, 0] if i < 29 else [0] * 15
print("state %08x" % checksum(struct.pack("<2I2B2xI13fh2x" + "B3x4f2hf7I" * 35 + "40B5I", *state, *[0] * 45)))
