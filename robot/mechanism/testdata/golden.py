"""What MuJoCo computes of a model, for golden_test.go.

    pip install mujoco==3.17.0 numpy
    python golden.py forms.xml > forms.json
    python golden.py ../../humanoid/testdata/own.xml > own.json
    python golden.py $SAMOVAR_DATA/robot/g1/g1_29dof_rev_1_0.xml 2 > g1.json
    python golden.py $SAMOVAR_DATA/robot/mujoco/humanoid/humanoid.xml 2 > humanoid.json

With a number of states, which is for the models of others, how their mass is
spread and what they look like stays out of the file: the states say whether it was
read. Contacts and limits are off; passive forces are taken out of mj_inverse. Angular
rows come before linear ones.
"""
import json
import sys

import mujoco
import numpy as np


def short(x):
    """Nested lists with 13 digits."""
    if isinstance(x, (list, np.ndarray)):
        return [short(y) for y in x]
    y = float("%.13g" % x)
    return int(y) if y == int(y) else y


def model(m):
    inertia = []
    for i in range(m.nbody):
        r = np.zeros(9)
        mujoco.mju_quat2Mat(r, m.body_iquat[i])
        r = r.reshape(3, 3)
        inertia.append((r @ np.diag(m.body_inertia[i]) @ r.T).ravel())
    names = lambda kind, n: [mujoco.mj_id2name(m, kind, i) or "" for i in range(n)]
    return {
        "bodies": names(mujoco.mjtObj.mjOBJ_BODY, m.nbody),
        "joints": names(mujoco.mjtObj.mjOBJ_JOINT, m.njnt),
        "sensors": names(mujoco.mjtObj.mjOBJ_SENSOR, m.nsensor),
        "mass": short(m.body_mass), "centre": short(m.body_ipos), "inertia": short(inertia),
        "limited": [bool(x) for x in m.jnt_limited], "range": short(m.jnt_range),
        "torque_limited": [bool(x) for x in m.jnt_actfrclimited], "torque": short(m.jnt_actfrcrange),
        "armature": short(m.dof_armature), "damping": short(m.dof_damping), "friction": short(m.dof_frictionloss),
        "stiffness": short(m.jnt_stiffness), "spring": short(m.qpos_spring), "reference": short(m.qpos0),
        "geom_body": m.geom_bodyid.tolist(), "geom_position": short([p if t != 7 else p * 0 for p, t in zip(m.geom_pos, m.geom_type)]),
        "geom_type": m.geom_type.tolist(), "geom_contype": m.geom_contype.tolist(), "geom_friction": short(m.geom_friction),
        "gain": short(m.actuator_gainprm[:, 0]), "bias": short(m.actuator_biasprm[:, :3]), "gear": short(m.actuator_gear[:, 0]),
        "control": short(m.actuator_ctrlrange), "force": short(m.actuator_forcerange),
    }


def state(m, rng):
    d = mujoco.MjData(m)
    for j in range(m.njnt):
        a = m.jnt_qposadr[j]
        if m.jnt_type[j] == mujoco.mjtJoint.mjJNT_FREE:
            d.qpos[a:a + 3] = rng.uniform(-3, 3, 3)
            q = rng.normal(size=4)
            d.qpos[a + 3:a + 7] = q / np.linalg.norm(q)
        else:
            d.qpos[a] = rng.uniform(-1.5, 1.5)
    # The golden values are of these numbers, as they are written.
    d.qpos, d.qvel, d.qacc = (np.array(short(x)) for x in (d.qpos, rng.normal(size=m.nv) * 2, rng.normal(size=m.nv) * 5))
    acc = d.qacc.copy()
    out = {"q": short(d.qpos), "v": short(d.qvel), "a": short(acc)}
    mujoco.mj_forward(m, d)
    mujoco.mj_subtreeVel(m, d)
    mass = np.zeros((m.nv, m.nv))
    mujoco.mj_fullM(m, mass, d.qM) if hasattr(d, "qM") else mujoco.mj_fullM(m, d, mass)
    com = np.zeros((3, m.nv))
    mujoco.mj_jacSubtreeCom(m, d, com, 0)
    angular = np.zeros((3, m.nv))
    mujoco.mj_angmomMat(m, d, angular, 0)
    out |= {
        "position": short(d.xpos), "orientation": short(d.xquat), "site": short(d.site_xpos),
        "com": short(d.subtree_com[0]), "com_velocity": short(d.subtree_linvel[0]), "angular_momentum": short(d.subtree_angmom[0]),
        "com_jacobian": short(com), "angular_matrix": short(angular),
        "mass": short([mass[i, :i + 1] for i in range(m.nv)]), "bias": short(d.qfrc_bias),
    }
    points = []
    for body in sorted({1, m.nbody // 2, m.nbody - 1}):
        at = np.array(short(d.xpos[body] + rng.normal(size=3)))
        p, r, pd, rd = (np.zeros((3, m.nv)) for _ in range(4))
        mujoco.mj_jac(m, d, p, r, at, body)
        mujoco.mj_jacDot(m, d, pd, rd, at, body)
        points.append({"body": body, "at": short(at), "jacobian": short(np.vstack([r, p])), "drift": short(np.concatenate([rd @ d.qvel, pd @ d.qvel]))})
    out["points"] = points
    d.qacc = acc
    mujoco.mj_inverse(m, d)
    out["inverse"] = short(d.qfrc_inverse + d.qfrc_passive)
    return out


def main():
    m = mujoco.MjModel.from_xml_path(sys.argv[1])
    m.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONSTRAINT
    rng = np.random.default_rng(1)
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    values = model(m)
    if len(sys.argv) > 2:
        values = {k: v for k, v in values.items() if k not in ("mass", "centre", "inertia") and not k.startswith("geom")}
    json.dump({"mujoco": mujoco.__version__, "model": values, "states": [state(m, rng) for _ in range(count)]}, sys.stdout, separators=(",", ":"))
    print()


main()
