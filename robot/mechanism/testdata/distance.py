"""How far forms are apart, as MuJoCo computes it, for form_test.go.

    pip install mujoco==3.17.0 numpy
    python distance.py forms.xml > forms.distance.json
    python distance.py ../../humanoid/testdata/own.xml > own.distance.json
    python distance.py $SAMOVAR_DATA/robot/g1/g1_29dof_rev_1_0.xml > g1.distance.json

A geom is named by its body and its place among the body's; those that do not collide and
planes are left out. A negative distance is how deep they overlap.
"""
import json
import sys

import mujoco
import numpy as np

m = mujoco.MjModel.from_xml_path(sys.argv[1])
m.opt.ccd_tolerance, m.opt.ccd_iterations = 1e-10, 500
rng = np.random.default_rng(1)
d = mujoco.MjData(m)
geoms = [g for g in range(m.ngeom) if m.geom_type[g] != 0 and (m.geom_contype[g] or m.geom_conaffinity[g])]
name = lambda g: [mujoco.mj_id2name(m, mujoco.mjtObj.mjOBJ_BODY, m.geom_bodyid[g]), int(g - m.body_geomadr[m.geom_bodyid[g]])]
states = []
for _ in range(3):
    mujoco.mj_resetData(m, d)
    for j in range(m.njnt):
        if m.jnt_type[j] != mujoco.mjtJoint.mjJNT_FREE:
            d.qpos[m.jnt_qposadr[j]] = round(rng.uniform(-1, 1), 3)
    mujoco.mj_forward(m, d)
    pairs = []
    while len(pairs) < 40:
        a, b = (int(g) for g in rng.choice(geoms, 2, replace=False))
        if m.geom_bodyid[a] != m.geom_bodyid[b]:
            pairs.append({"a": name(a), "b": name(b), "distance": round(mujoco.mj_geomDistance(m, d, a, b, 100, None), 9)})
    states.append({"q": d.qpos.tolist(), "pairs": pairs})
json.dump({"mujoco": mujoco.__version__, "states": states}, sys.stdout, separators=(",", ":"))
print()
