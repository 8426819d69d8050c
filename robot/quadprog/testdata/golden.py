"""Solutions of quadprog (B. Turlach's Goldfarb-Idnani), for quadprog_test.go.

    pip install quadprog==0.1.14 numpy
    python golden.py > golden.json

Numbers have few digits, so that the problems are the same in both.
"""
import json
import sys

import numpy as np
import quadprog

rng = np.random.default_rng(1)
few = lambda x: np.array([float("%.5g" % y) for y in np.ravel(x)]).reshape(np.shape(x))
INF = 1e300  # JSON has no infinity


def solve(name, h, g, c, lower, upper):
    h, g, c, lower, upper = few(h), few(g), few(c), few(lower), few(upper)
    equal = lower == upper
    rows, bounds = [c[equal]], [lower[equal]]
    for sign, b in ((1, lower), (-1, upper)):
        keep = ~equal & (np.abs(b) < INF)
        rows.append(sign * c[keep])
        bounds.append(sign * b[keep])
    a = np.vstack(rows)
    x, f, *_ = quadprog.solve_qp(h, -g, a.T, np.concatenate(bounds), int(equal.sum()))
    return {"name": name, "h": h.ravel().tolist(), "g": g.tolist(), "c": c.ravel().tolist(), "lower": lower.tolist(), "upper": upper.tolist(), "x": x.tolist(), "value": f}


def mixed(n, equations, between, boxed):
    root = rng.normal(size=(n, n))
    h = few(root @ root.T + 0.1 * np.eye(n))
    h = np.tril(h) + np.tril(h, -1).T
    m = equations + between
    c = rng.normal(size=(m, n))
    inside = rng.normal(size=n)
    lower = c @ inside - rng.uniform(0, 0.3, m)
    upper = c @ inside + rng.uniform(0, 0.3, m)
    lower[:equations] = upper[:equations] = (c @ inside)[:equations]
    lower[equations::3] = -INF if not equations else lower[equations::3]
    c = np.vstack([c, np.eye(n)[:boxed]])
    lower, upper = np.append(lower, inside[:boxed] - 0.05), np.append(upper, inside[:boxed] + 0.05)
    return solve(f"{n} variables, {equations} equations, {between} between, {boxed} boxed", h, 3 * rng.normal(size=n), c, lower, upper)


def forces(wrench):
    """Forces at the corners of two soles that come near a wrench about the centre
    of mass, in pyramids of friction 0.6."""
    corners = [(x, y + s, -0.6) for s in (-0.1, 0.1) for x in (-0.06, 0.13) for y in (-0.04, 0.04)]
    a = np.zeros((6, 24))
    for i, (x, y, z) in enumerate(corners):
        a[:3, 3 * i:3 * i + 3] = np.eye(3)
        a[3:, 3 * i:3 * i + 3] = [[0, -z, y], [z, 0, -x], [-y, x, 0]]
    weight = np.diag([1, 1, 1, 20, 20, 20])
    h = few(a.T @ weight @ a + 1e-3 * np.eye(24))
    cone = np.zeros((40, 24))
    lower, upper = np.zeros(40), np.full(40, INF)
    for i in range(8):
        for k, row in enumerate([(1, 0, .6), (-1, 0, .6), (0, 1, .6), (0, -1, .6), (0, 0, 1)]):
            cone[5 * i + k, 3 * i:3 * i + 3] = row
        upper[5 * i + 4] = 300
    return solve(f"forces for {wrench}", h, -a.T @ weight @ np.array(wrench), cone, lower, upper)


json.dump([
    mixed(4, 0, 6, 0), mixed(6, 2, 5, 6), mixed(12, 3, 12, 4), mixed(20, 0, 30, 20),
    forces([0, 0, 343, 0, 0, 0]), forces([20, -10, 343, 5, 8, 0]), forces([250, 0, 343, 0, 0, 9]),
    forces([0, 0, 343, 40, 0, 0]), forces([0, 150, -100, 0, 60, 0]), forces([10, 0, 4000, 0, 0, 0]),
], sys.stdout, separators=(",", ":"))
print()
