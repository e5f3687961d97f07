"""Terrain analysis of a real elevation model: relief shading, slope, aspect, curvature, contours.

The data are the Jacksboro fault (Tennessee), which comes with matplotlib. The grid is refined
to about 3.4 million points, so that the arithmetic takes longer than the pictures.

    python examples/terrain.py [outdir]
"""

import sys
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cbook import get_sample_data

REFINE = 5  # grid points per point of the data, in each direction
SMOOTHING = 6  # passes of the 3 x 3 filter that rounds off the bilinear facets
SUNS = np.deg2rad(np.arange(270.0, 451.0, 30.0))  # azimuths of the lamps, west over north to east
ALTITUDE = np.deg2rad(40.0)
CONTOUR = 50.0  # metres
SHOW = 3  # every third point goes into the saved maps
PIXEL = 2  # grid points along each side of a pixel of the relief picture

# Elevation (fraction of the range) and colour of the tint: valley green to summit white.
STOPS = [0.0, 0.25, 0.5, 0.75, 1.0]
COLOURS = np.array(
    [
        [0.36, 0.54, 0.36],
        [0.66, 0.73, 0.46],
        [0.86, 0.78, 0.55],
        [0.70, 0.54, 0.40],
        [0.97, 0.96, 0.94],
    ]
)


def load():
    """Return elevations in metres, northernmost row first, and the spacing of rows and columns."""
    with get_sample_data("jacksboro_fault_dem.npz") as dem:
        z = np.array(dem["elevation"], dtype=np.float64)
        degree = 111_200.0  # metres of a degree of latitude
        dy = degree * float(dem["dy"])
        dx = degree * float(dem["dx"]) * float(np.cos(np.deg2rad(float(dem["ymin"]))))
    return z, dy, dx


def refine(z, n):
    """Interpolate bilinearly: n points for each interval of the grid."""
    rows, cols = z.shape
    fine = np.empty(((rows - 1) * n, (cols - 1) * n))
    for i in range(n):
        t = i / n
        south = (1 - t) * z[:-1] + t * z[1:]
        for j in range(n):
            s = j / n
            fine[i::n, j::n] = (1 - s) * south[:, :-1] + s * south[:, 1:]
    return fine


def smooth(z, passes):
    """Apply the 3 x 3 binomial filter in place, the edges left alone."""
    for _ in range(passes):
        z[1:-1] = 0.25 * z[:-2] + 0.5 * z[1:-1] + 0.25 * z[2:]
        z[:, 1:-1] = 0.25 * z[:, :-2] + 0.5 * z[:, 1:-1] + 0.25 * z[:, 2:]
    return z


def gradient(z, dy, dx):
    """Return dz/dy and dz/dx by Horn's weighted differences, one point less at every edge."""
    north, south = z[:-2], z[2:]
    west, east = z[:, :-2], z[:, 2:]
    zy = (south[:, :-2] - north[:, :-2]) + 2 * (south[:, 1:-1] - north[:, 1:-1])
    zy += south[:, 2:] - north[:, 2:]
    zx = (east[:-2] - west[:-2]) + 2 * (east[1:-1] - west[1:-1]) + (east[2:] - west[2:])
    return zy / (8 * dy), zx / (8 * dx)


def hillshade(slope, aspect, azimuth):
    """Return the light that a Lambertian surface sends back."""
    light = np.sin(ALTITUDE) * np.cos(slope)
    light = light + np.cos(ALTITUDE) * np.sin(slope) * np.cos(azimuth - aspect)
    return np.clip(light, 0.0, 1.0)


def tint(z):
    """Colour elevations: piecewise linear between the stops."""
    t = (z - z.min()) / (z.max() - z.min())
    rgb = np.zeros((*z.shape, 3)) + COLOURS[0]
    for k in range(len(STOPS) - 1):
        part = np.clip((t - STOPS[k]) / (STOPS[k + 1] - STOPS[k]), 0.0, 1.0)
        rgb += part[:, :, np.newaxis] * (COLOURS[k + 1] - COLOURS[k])
    return rgb


def analyse(z, dy, dx):
    """Return the maps and the statistics of a terrain, by name."""
    zy, zx = gradient(z, dy, dx)
    inner = z[1:-1, 1:-1]
    slope = np.arctan(np.hypot(zx, zy))
    aspect = np.arctan2(-zx, zy) % (2 * np.pi)  # where the surface looks, clockwise from north

    curvature = (z[2:, 1:-1] - 2 * inner + z[:-2, 1:-1]) / dy**2
    curvature += (z[1:-1, 2:] - 2 * inner + z[1:-1, :-2]) / dx**2

    # Several lamps: the main one in the north-west, the others fill its shadows.
    shade = np.zeros_like(slope)
    for azimuth in SUNS:
        shade += (1 + np.cos(azimuth - np.deg2rad(315.0))) / 2 * hillshade(slope, aspect, azimuth)
    shade = (shade - shade.min()) / (shade.max() - shade.min())

    band = np.floor(inner / CONTOUR)
    contour = np.zeros(inner.shape, dtype=bool)
    contour[:, 1:] |= band[:, 1:] != band[:, :-1]
    contour[1:] |= band[1:] != band[:-1]

    relief = tint(inner) * (0.25 + 0.85 * shade[:, :, np.newaxis])
    relief = np.where(contour[:, :, np.newaxis], relief * 0.5, relief)
    rows, cols = (n // PIXEL for n in inner.shape)
    pixels = relief[: rows * PIXEL, : cols * PIXEL].reshape(rows, PIXEL, cols, PIXEL, 3)
    picture = np.clip(pixels.mean(axis=(1, 3)), 0.0, 1.0)

    # Statistics of elevation bands, each band a mask.
    edges = np.arange(np.floor(z.min() / CONTOUR), np.ceil(z.max() / CONTOUR) + 1) * CONTOUR
    count, steep = [], []
    for low in edges[:-1]:
        mask = (inner >= low) & (inner < low + CONTOUR)
        count.append(int(mask.sum()))
        steep.append(float(slope[mask].mean()))

    flat = slope < np.deg2rad(2.0)
    return {
        "elevation": inner[::SHOW, ::SHOW],
        "slope": np.rad2deg(slope[::SHOW, ::SHOW]),
        "aspect": np.rad2deg(aspect[::SHOW, ::SHOW]),
        "curvature": curvature[::SHOW, ::SHOW],
        "shade": shade[::SHOW, ::SHOW],
        "relief": picture,
        "edges": edges,
        "count": np.array(count),
        "steepness": np.rad2deg(np.array(steep)),
        "profile_north": inner.mean(axis=1),
        "profile_east": inner.max(axis=0) - inner.min(axis=0),
        "northness": np.array(np.cos(aspect[~flat]).mean()),
        "contour_points": np.array(np.count_nonzero(contour)),
        "elevation_mean_std": np.stack([inner.mean(), inner.std()]),
        "curvature_mean_std": np.stack([curvature.mean(), curvature.std()]),
    }


def draw(maps, outdir):
    """Save the shaded relief, and a sheet of the derived maps."""
    plt.imsave(outdir / "terrain_relief.png", maps["relief"])

    figure, axes = plt.subplots(2, 2, figsize=(10, 8.6), layout="constrained")
    limit = float(3 * np.std(maps["curvature"]))
    panels = [
        ("slope, degrees", maps["slope"], {"cmap": "magma"}),
        ("aspect, degrees", maps["aspect"], {"cmap": "twilight"}),
        ("curvature, 1/m", maps["curvature"], {"cmap": "RdBu", "vmin": -limit, "vmax": limit}),
    ]
    for axis, (title, data, style) in zip(axes.flat, panels, strict=False):
        image = axis.imshow(data, **style)
        axis.set_title(title)
        axis.set_axis_off()
        figure.colorbar(image, ax=axis, shrink=0.8)
    axis = axes[1, 1]
    axis.barh(maps["edges"][:-1] + CONTOUR / 2, maps["count"] / 1e6, CONTOUR * 0.9, color="tan")
    axis.set(xlabel="million grid points", ylabel="elevation, m", title="elevation and steepness")
    twin = axis.twiny()
    twin.plot(maps["steepness"], maps["edges"][:-1] + CONTOUR / 2, "o-", color="darkred", ms=4)
    twin.set_xlabel("mean slope, degrees", color="darkred")
    figure.savefig(outdir / "terrain_maps.png", dpi=90)
    plt.close(figure)


def main(outdir):
    """Run the analysis, save its results and pictures in `outdir`."""
    outdir = Path(outdir)
    outdir.mkdir(parents=True, exist_ok=True)
    z, dy, dx = load()

    start = time.perf_counter()
    z = smooth(refine(z, REFINE), SMOOTHING)
    maps = analyse(z, dy / REFINE, dx / REFINE)
    np.savez(outdir / "terrain.npz", **maps)
    print(f"compute: {time.perf_counter() - start:.3f} s")

    print(f"grid: {z.shape[0]} x {z.shape[1]} points of {dy / REFINE:.1f} x {dx / REFINE:.1f} m")
    print(f"elevation: {float(z.min()):.1f} to {float(z.max()):.1f} m")
    steepest = int(maps["steepness"].argmax())
    print(f"steepest band: from {float(maps['edges'][steepest]):.0f} m up,", end=" ")
    print(f"{float(maps['steepness'][steepest]):.1f} degrees")
    draw(maps, outdir)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "out")
