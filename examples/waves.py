"""Waves through a double slit: the wave equation by leap-frog steps in place.

A plane wave enters from the left, meets a wall with two slits, and leaves through absorbing
edges. The mean intensity at the right edge shows the interference fringes.

    python examples/waves.py [outdir]
"""

import math
import sys
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

ROWS, COLUMNS = 1000, 420
STEPS = 780
COURANT = 0.6  # wave speed times time step over grid spacing; stable below 1/sqrt(2)
WAVELENGTH = 18.0  # grid points
WALL = slice(100, 106)  # columns of the wall
SLITS = (slice(446, 462), slice(538, 554))  # rows of the openings
SETTLED = 690  # the step from which the intensity is averaged: three periods
REPORT = 20  # steps between two entries of the energy diary
SPONGE = 60  # grid points over which the edges swallow what is left
MUR = (COURANT - 1.0) / (COURANT + 1.0)  # weight in the one-way wave equation at the edges


def incoming(n, column):
    """Return the plane wave that comes from the left, at a step and a column."""
    phase = n - column / COURANT
    rise = 1.0 - math.exp(-max(phase, 0.0) / 60.0)  # a wave that starts at once would ring
    return rise * math.sin(2.0 * math.pi * COURANT / WAVELENGTH * phase)


def sponge():
    """Return the damping of each grid point: none inside, growing towards three of the edges."""
    row, column = np.arange(ROWS), np.arange(COLUMNS)
    up_down = np.clip(1.0 - np.minimum(row, row[::-1]) / SPONGE, 0.0, 1.0)
    right = np.clip(1.0 - column[::-1] / SPONGE, 0.0, 1.0)
    return 0.15 * np.maximum(up_down[:, np.newaxis], right[np.newaxis, :]) ** 2


def step(u_next, u, u_prev, damping, n):
    """Advance the inner points by one time step, then the edges and the wall."""
    d = damping[1:-1, 1:-1]
    laplacian = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * u[1:-1, 1:-1]
    u_next[1:-1, 1:-1] = (
        (2.0 - d) * u[1:-1, 1:-1] - (1.0 - d) * u_prev[1:-1, 1:-1] + COURANT**2 * laplacian
    )

    # One-way wave equation at the edges (Mur, 1981), where waves may leave.
    u_next[0, :] = u[1, :] + MUR * (u_next[1, :] - u[0, :])
    u_next[-1, :] = u[-2, :] + MUR * (u_next[-2, :] - u[-1, :])
    u_next[:, -1] = u[:, -2] + MUR * (u_next[:, -2] - u[:, -1])

    # On the left that holds for what the wall sends back: the field less the incoming wave.
    u_next[:, 0] = u[:, 1] + MUR * (u_next[:, 1] - u[:, 0])
    u_next[:, 0] += incoming(n + 1, 0) - incoming(n, 1)
    u_next[:, 0] -= MUR * (incoming(n + 1, 1) - incoming(n, 0))

    # A stiff wall: nothing moves but in the slits.
    u_next[: SLITS[0].start, WALL] = 0.0
    u_next[SLITS[0].stop : SLITS[1].start, WALL] = 0.0
    u_next[SLITS[1].stop :, WALL] = 0.0


def energy(u, u_prev):
    """Return the kinetic and the potential energy half-way between two steps."""
    kinetic = 0.5 * (((u - u_prev) / COURANT) ** 2).sum()
    # The product of the slopes at both steps: leap-frog conserves the energy in this form.
    potential = 0.5 * ((u[1:] - u[:-1]) * (u_prev[1:] - u_prev[:-1])).sum()
    potential += 0.5 * ((u[:, 1:] - u[:, :-1]) * (u_prev[:, 1:] - u_prev[:, :-1])).sum()
    return float(kinetic), float(potential)


def simulate():
    """Return the results of the run, by name."""
    u_prev = np.zeros((ROWS, COLUMNS))
    u = np.zeros((ROWS, COLUMNS))
    u_next = np.zeros((ROWS, COLUMNS))
    intensity = np.zeros((ROWS, COLUMNS))
    damping = sponge()
    frames, diary = [], []

    for n in range(STEPS):
        step(u_next, u, u_prev, damping, n)
        u_prev, u, u_next = u, u_next, u_prev
        if n >= SETTLED:
            intensity += u * u
        if n % REPORT == REPORT - 1:
            diary.append((n + 1, *energy(u, u_prev)))
        if n + 1 in (STEPS // 3, 2 * STEPS // 3, STEPS):
            frames.append(u.copy())

    intensity /= STEPS - SETTLED
    fringes = intensity[:, -SPONGE - 20 : -SPONGE].mean(axis=1)
    dark = intensity < 0.01 * intensity.max()
    return {
        "field": u,
        "frames": np.stack(frames)[:, ::2, ::2],
        "intensity": intensity,
        "fringes": fringes,
        "dark": dark.mean(axis=0),
        "energy": np.array(diary),
        "amplitude": np.abs(u).max(axis=0),
    }


def draw(result, outdir):
    """Save three moments of the field, and the fringes."""
    figure, axes = plt.subplots(1, 3, figsize=(10, 7), layout="constrained")
    for axis, frame, n in zip(axes, result["frames"], (1, 2, 3), strict=True):
        axis.imshow(frame, cmap="RdBu", vmin=-0.5, vmax=0.5)
        axis.set_title(f"step {n * STEPS // 3}")
        axis.set_axis_off()
    figure.savefig(outdir / "waves_field.png", dpi=90)
    plt.close(figure)

    figure, axes = plt.subplots(
        1, 3, figsize=(12, 6.5), layout="constrained", width_ratios=(2.7, 1, 3)
    )
    axes[0].imshow(np.sqrt(result["intensity"]), cmap="inferno", vmax=0.3, aspect="auto")
    axes[0].set(title="mean amplitude", xticks=[], yticks=[])
    axes[1].plot(result["fringes"], np.arange(ROWS), color="darkred")
    axes[1].set(title="screen", ylim=(ROWS, 0), xlim=(0, None), yticks=[])
    steps, kinetic, potential = np.transpose(result["energy"])
    axes[2].plot(steps, kinetic + potential, "k", label="total")
    axes[2].plot(steps, kinetic, ".-", label="kinetic")
    axes[2].plot(steps, potential, ".-", label="potential")
    axes[2].set(title="energy", xlabel="step")
    axes[2].legend()
    figure.savefig(outdir / "waves_fringes.png", dpi=90)
    plt.close(figure)


def main(outdir):
    """Run the simulation, save its results and pictures in `outdir`."""
    outdir = Path(outdir)
    outdir.mkdir(parents=True, exist_ok=True)

    start = time.perf_counter()
    result = simulate()
    np.savez(outdir / "waves.npz", **result)
    print(f"compute: {time.perf_counter() - start:.3f} s")

    step_number, kinetic, potential = (float(value) for value in result["energy"][-1])
    print(f"grid: {ROWS} x {COLUMNS}, {STEPS} steps")
    print(f"energy at step {step_number:.0f}: {kinetic:.1f} kinetic, {potential:.1f} potential")
    print(f"brightest fringe: row {int(result['fringes'].argmax())} of {ROWS}")
    draw(result, outdir)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "out")
