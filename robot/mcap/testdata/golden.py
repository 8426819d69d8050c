"""Writes recordings with the Python library of MCAP (mcap 1.6.0 from PyPI wrote those
beside this file): golden.mcap without compression, which the Go writer has to equal
byte by byte, zstd.mcap, and lz4.mcap, which the reader refuses."""
import pathlib

from mcap.writer import CompressionType, IndexType, Writer

here = pathlib.Path(__file__).parent


def write(name, compression, index_types):
    with open(here / name, "wb") as out:
        w = Writer(out, chunk_size=400, compression=compression, index_types=index_types, enable_data_crcs=True)
        w.start(profile="ros2", library="samovar")
        w.add_metadata("about", {"a": "1", "robot": "é"})
        text = w.register_schema("std_msgs/msg/String", "ros2msg", b"string data\n")
        a = w.register_channel("/a", "cdr", text, {"offered_qos_profiles": ""})
        b = w.register_channel("/b", "json", 0)
        for i in range(40):
            w.add_message(b if i % 3 == 2 else a, 1_000_000_000 + 2_000_000 * (i ^ 1), bytes(range(i)), 1_000_000_000 + 2_000_000 * (i ^ 1), sequence=i // 3 if i % 3 == 2 else i - (i + 1) // 3)
            if i == 30:
                w.register_schema("std_msgs/msg/Late", "ros2msg", b"")
                w.register_channel("/late", "cdr", 2)
        w.add_metadata("end", {})
        w.finish()


indexes = IndexType.CHUNK | IndexType.MESSAGE | IndexType.METADATA
write("golden.mcap", CompressionType.NONE, indexes)
write("zstd.mcap", CompressionType.ZSTD, IndexType.ALL)
write("lz4.mcap", CompressionType.LZ4, IndexType.ALL)
