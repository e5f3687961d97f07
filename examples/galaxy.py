"""Two disc galaxies pass each other, and their stars are drawn out into tidal tails.

After Toomre and Toomre (1972): the stars are test particles, which feel the two galactic centres
but not each other. Lengths, masses and times are in units in which G, the mass of a galaxy, and
the radius at which a disc begins are 1.

    python examples/galaxy.py [outdir]
"""

import itertools
import math
import sys
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

STARS = 80_000  # in each disc
SOFTENING = 0.25
DT = 0.075
STEPS = 480
PERICENTRE = 4.0
START = -0.5 * math.pi  # true anomaly of the relative orbit, a parabola
FRAMES = (0, 200, 320, 480)  # steps that are drawn
REPORT = 80  # steps between two entries of the diary
SHOW = 10  # every tenth star goes into the saved results


def disc(rng, tilt, spin):
    """Return positions and velocities (3 x stars) of a disc of circular orbits."""
    r = np.sqrt(1.0 + (3.6**2 - 1.0) * rng.random(STARS))
    phi = 2 * np.pi * rng.random(STARS)
    speed = spin * r / (r * r + SOFTENING**2) ** 0.75
    zero = np.zeros(STARS)
    position = np.stack([r * np.cos(phi), r * np.sin(phi), 0.05 * rng.standard_normal(STARS)])
    velocity = np.stack([-speed * np.sin(phi), speed * np.cos(phi), zero])
    return turn(position, tilt), turn(velocity, tilt)


def turn(vectors, angle):
    """Turn vectors (3 x n) about the y axis."""
    c, s = math.cos(angle), math.sin(angle)
    return np.stack([c * vectors[0] + s * vectors[2], vectors[1], c * vectors[2] - s * vectors[0]])


def pull(position, centre):
    """Return the acceleration (3 x n) towards a centre of mass 1."""
    d = centre[:, np.newaxis] - position
    r2 = (d * d).sum(axis=0) + SOFTENING**2
    return d / (r2 * np.sqrt(r2))


def binding(position, velocity, centre, drift):
    """Return the energy (n) of each star in the field of one centre."""
    d = position - centre[:, np.newaxis]
    v = velocity - drift[:, np.newaxis]
    return 0.5 * (v * v).sum(axis=0) - 1.0 / np.sqrt((d * d).sum(axis=0) + SOFTENING**2)


def encounter():
    """Return places and velocities (galaxy x 3) of the centres before a parabolic passage."""
    r = 2 * PERICENTRE / (1 + math.cos(START))
    v = math.sqrt(2.0 / (2 * PERICENTRE))  # relative motion: total mass 2
    apart = np.array([r * math.cos(START), r * math.sin(START), 0.0])
    closing = np.array([-v * math.sin(START), v * (1 + math.cos(START)), 0.0])
    return np.stack([apart / 2, -apart / 2]), np.stack([closing / 2, -closing / 2])


def simulate(seed):
    """Return the results of the run, by name."""
    rng = np.random.default_rng(seed)
    centre, drift = encounter()
    discs = [disc(rng, tilt=0.3, spin=1.0), disc(rng, tilt=-0.9, spin=1.0)]
    position = np.concatenate([p + centre[g, :, np.newaxis] for g, (p, _) in enumerate(discs)], 1)
    velocity = np.concatenate([v + drift[g, :, np.newaxis] for g, (_, v) in enumerate(discs)], 1)
    home = np.arange(2 * STARS) >= STARS  # False: the first galaxy's stars

    frames, diary = [position.copy()], []
    for n in range(1, STEPS + 1):
        # Kick and drift; the centres fall towards each other like one more pair of particles.
        velocity += DT * (pull(position, centre[0]) + pull(position, centre[1]))
        drift += DT * np.stack([pull(c[:, np.newaxis], o)[:, 0] for c, o in (centre, centre[::-1])])
        position += DT * velocity
        centre += DT * drift
        if n in FRAMES:
            frames.append(position.copy())
        if n % REPORT == 0:
            spread = position.std(axis=1)
            speed = np.sqrt((velocity**2).sum(axis=0))
            diary.append([n * DT, *spread.tolist(), float(speed.mean()), float(speed.max())])

    first = binding(position, velocity, centre[0], drift[0])
    second = binding(position, velocity, centre[1], drift[1])
    owner = np.where(first < second, 0, 1)
    owner[(first > 0) & (second > 0)] = 2  # belongs to nobody
    stolen = ((owner == 1) & ~home) | ((owner == 0) & home)

    # Surface density of the first galaxy's remains, in rings that are masks.
    inside = position - centre[0][:, np.newaxis]
    radius = np.sqrt((inside * inside).sum(axis=0))
    rings = np.linspace(0.0, 12.0, 25)
    density, heat = [], []
    for low, high in itertools.pairwise(rings):
        ring = (radius >= low) & (radius < high) & (owner == 0)
        density.append(float(ring.sum()) / (math.pi * float(high**2 - low**2)))
        heat.append(float(velocity[0][ring].var()) if ring.any() else 0.0)
    return {
        "position": position[:, ::SHOW],
        "velocity": velocity[:, ::SHOW],
        "frames": np.stack(frames)[:, :2],
        "centre": centre,
        "energy": np.minimum(first, second)[::SHOW],
        "owner": owner[::SHOW],
        "owners": np.array([np.count_nonzero(owner == k) for k in range(3)]),
        "stolen": np.array(np.count_nonzero(stolen)),
        "rings": rings,
        "density": np.array(density),
        "heat": np.array(heat),
        "diary": np.array(diary),
    }


def draw(result, outdir):
    """Save four moments of the encounter, and the profile of what remains."""
    figure, axes = plt.subplots(2, 2, figsize=(10, 10), layout="constrained", facecolor="black")
    for axis, (x, y), n in zip(axes.flat, result["frames"], FRAMES, strict=True):
        view = [[-16, 16], [-16, 16]]
        axis.hist2d(x, y, bins=400, range=view, cmap="magma", norm=LogNorm(0.7, 60))
        axis.set_facecolor("black")
        axis.set_axis_off()
        axis.set_aspect("equal")
        axis.set_title(f"t = {n * DT:.0f}", color="white")
    figure.savefig(outdir / "galaxy_tails.png", dpi=90)
    plt.close(figure)

    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    middle = (result["rings"][1:] + result["rings"][:-1]) / 2
    axes[0].semilogy(middle, result["density"], "o-", color="darkblue")
    axes[0].set(xlabel="radius", ylabel="stars per unit area", title="first galaxy, afterwards")
    axes[1].bar(["first", "second", "nobody"], result["owners"], color=["navy", "peru", "gray"])
    axes[1].set(ylabel="stars", title="who keeps the stars")
    figure.savefig(outdir / "galaxy_profile.png", dpi=90)
    plt.close(figure)


def main(outdir):
    """Run the encounter, save its results and pictures in `outdir`."""
    outdir = Path(outdir)
    outdir.mkdir(parents=True, exist_ok=True)

    start = time.perf_counter()
    result = simulate(seed=1972)
    np.savez(outdir / "galaxy.npz", **result)
    print(f"compute: {time.perf_counter() - start:.3f} s")

    first, second, lost = (int(n) for n in result["owners"])
    print(f"stars: {2 * STARS}, {STEPS} steps")
    print(f"bound to the first galaxy {first}, to the second {second}, to nobody {lost}")
    print(f"changed sides: {int(result['stolen'])}")
    draw(result, outdir)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "out")
