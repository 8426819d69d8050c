"""Holds the joints of own.xml at key "stand" for a second, with torques of a PD
law at every step, and says whether the robot still stands.

    pip install mujoco
    python stand.py own.xml
"""
import sys

import mujoco
import numpy as np

m = mujoco.MjModel.from_xml_path(sys.argv[1])
d = mujoco.MjData(m)
mujoco.mj_resetDataKeyframe(m, d, 0)
target = d.qpos[7:].copy()
limit = m.actuator_ctrlrange[:, 1]
kp, kd = 3.0 * limit, 0.06 * limit
worst = 0.0
contacts = set()
while d.time < 1:
    tau = kp * (target - d.qpos[7:]) - kd * d.qvel[6:]
    worst = max(worst, np.max(np.abs(tau) / limit))
    d.ctrl = np.clip(tau, -limit, limit)
    mujoco.mj_step(m, d)
    for c in d.contact:
        contacts |= {tuple(sorted((m.geom(c.geom1).name, m.geom(c.geom2).name)))}
tilt = 2 * np.arcsin(min(1, np.hypot(d.qpos[4], d.qpos[5])))
sensors = sum(len(d.sensor(i).data) for i in range(m.nsensor))
print(f"mujoco {mujoco.__version__}: after {d.time:.3f} s the pelvis is at {d.qpos[2]:.4f} m, tilted {tilt:.4f} rad, moved {np.hypot(*d.qpos[:2]):.4f} m; "
      f"torque up to {worst:.2f} of the limit; {sensors} numbers of sensors; contacts {sorted(contacts)}")
feet = {("floor", "left_foot"), ("floor", "right_foot")}
sys.exit(not (d.qpos[2] > 0.7 and tilt < 0.1 and worst < 1 and contacts == feet))
