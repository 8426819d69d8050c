"""Writes golden.json: the fields of every message in ROS 2 Jazzy, and messages encoded
by rosbags. Needs rosbags from PyPI (0.11.9 wrote the file). Our own messages are read
from the .msg files beside this one."""
import json
import pathlib

import numpy as np
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

NAMES = """
builtin_interfaces/msg/Time builtin_interfaces/msg/Duration
std_msgs/msg/Header std_msgs/msg/String std_msgs/msg/ColorRGBA
geometry_msgs/msg/Vector3 geometry_msgs/msg/Point geometry_msgs/msg/Point32 geometry_msgs/msg/Quaternion
geometry_msgs/msg/Pose geometry_msgs/msg/Transform geometry_msgs/msg/TransformStamped geometry_msgs/msg/Wrench
geometry_msgs/msg/WrenchStamped geometry_msgs/msg/PointStamped geometry_msgs/msg/Polygon geometry_msgs/msg/PolygonStamped
tf2_msgs/msg/TFMessage sensor_msgs/msg/JointState sensor_msgs/msg/Imu sensor_msgs/msg/CompressedImage
diagnostic_msgs/msg/KeyValue diagnostic_msgs/msg/DiagnosticStatus diagnostic_msgs/msg/DiagnosticArray
rcl_interfaces/msg/Log visualization_msgs/msg/UVCoordinate visualization_msgs/msg/MeshFile
visualization_msgs/msg/Marker visualization_msgs/msg/MarkerArray
samovar_msgs/msg/JointCommand samovar_msgs/msg/BodyState samovar_msgs/msg/Balance samovar_msgs/msg/Beat
""".split()

here = pathlib.Path(__file__).parent
store = get_typestore(Stores.ROS2_JAZZY)
for path in sorted(here.glob("*.msg")):
    store.register(get_types_from_msg(path.read_text(), f"samovar_msgs/msg/{path.stem}"))


def type_name(desc):
    kind, detail = desc
    if kind == Nodetype.BASE:
        return {"octet": "byte"}.get(detail[0], detail[0])
    if kind == Nodetype.NAME:
        return detail.replace("/msg/", "/")
    inner, size = detail
    return f"{type_name(inner)}[{size}]" if kind == Nodetype.ARRAY else f"{type_name(inner)}[]"


class Fill:
    """Gives each number, string and length in order the next value."""

    def __init__(self, length):
        self.length, self.count = length, 0

    def value(self, desc):
        kind, detail = desc
        if kind == Nodetype.NAME:
            return self.message(detail)
        if kind in (Nodetype.ARRAY, Nodetype.SEQUENCE):
            inner, size = detail
            n = size if kind == Nodetype.ARRAY else self.length
            values = [self.value(inner) for _ in range(n)]
            base = inner[0] == Nodetype.BASE and inner[1][0]
            if base and base not in ("string", "bool"):
                return np.array(values, dtype={"octet": "uint8", "byte": "uint8"}.get(base, base))
            return values
        self.count += 1
        n, base = self.count, detail[0]
        if base == "string":
            return "s" * (n % 5) + "é" * (n % 2)
        if base == "bool":
            return n % 2 == 1
        if base.startswith("float"):
            return -1.5 * n
        return n

    def message(self, name):
        _, fields = store.fielddefs[name]
        return store.types[name](**{f: self.value(d) for f, d in fields})


golden = {}
for name in NAMES:
    _, fields = store.fielddefs[name]
    golden[name] = {
        "fields": [[f, type_name(d)] for f, d in fields],
        "data": [bytes(store.serialize_cdr(Fill(n).message(name), name)).hex() for n in range(4)],
    }
with open(here / "golden.json", "w") as out:
    json.dump(golden, out, indent=0)
