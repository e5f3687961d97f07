"""A darkroom for a photograph: a poster of tinted prints, sharpened, with its edges inked.

The picture (Grace Hopper, 1984, US Navy) comes with matplotlib. Everything is done in float32,
which is what photographs are kept in; the poster has about 3.7 million pixels of three colours.

    python examples/photo.py [outdir]
"""

import sys
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cbook import get_sample_data

SIGMA = 2.0  # pixels
AMOUNT = 0.7  # strength of the sharpening
NOISE = 0.01  # so much of each detail is taken for grain and is not sharpened
SATURATION = 0.35  # of the photograph's own colours, below the tints
SHOW = 2  # every second pixel goes into the saved picture

# Rows and columns of prints, and the light that each is made with.
TINTS = np.array(
    [
        [[1.0, 0.9, 0.8], [1.0, 0.5, 0.2], [0.3, 0.8, 1.0], [1.0, 0.3, 0.6]],
        [[0.4, 1.0, 0.4], [1.0, 0.3, 0.3], [1.0, 0.9, 0.2], [0.5, 0.4, 1.0]],
        [[0.9, 0.6, 1.0], [0.2, 0.9, 0.8], [1.0, 0.6, 0.5], [0.6, 1.0, 0.2]],
    ],
    dtype=np.float32,
)


def load():
    """Return the photograph as uint8, rows x columns x colours."""
    with get_sample_data("grace_hopper.jpg") as file:
        return np.array(plt.imread(file, format="jpg"))


def to_linear(srgb):
    """Undo the sRGB transfer function: from stored numbers to amounts of light."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def to_srgb(light):
    """Apply the sRGB transfer function."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def luminance(rgb):
    """Return the brightness of linear colours (Rec. 709)."""
    return 0.2126 * rgb[..., 0] + 0.7152 * rgb[..., 1] + 0.0722 * rgb[..., 2]


def gaussian(sigma):
    """Return the weights of a Gaussian filter; they sum to one."""
    radius = int(3 * sigma)
    x = np.arange(-radius, radius + 1, dtype=np.float32)
    weights = np.exp(-(x**2) / (2 * sigma**2))
    return weights / weights.sum()


def blur(image, weights):
    """Blur along both axes; beyond the edge, the edge's own pixels go on."""
    radius = len(weights) // 2
    for axis in (0, 1):
        first, last = (image[:1], image[-1:]) if axis == 0 else (image[:, :1], image[:, -1:])
        padded = np.concatenate([first] * radius + [image] + [last] * radius, axis=axis)
        length = image.shape[axis]
        total = np.zeros_like(image)
        for k, weight in enumerate(weights):
            window = padded[k : k + length] if axis == 0 else padded[:, k : k + length]
            total += weight * window
        image = total
    return image


def sobel(grey):
    """Return the strength of the edges, zero on the rim."""
    strength = np.zeros_like(grey)
    down = grey[2:, :-2] + 2 * grey[2:, 1:-1] + grey[2:, 2:]
    down -= grey[:-2, :-2] + 2 * grey[:-2, 1:-1] + grey[:-2, 2:]
    right = grey[:-2, 2:] + 2 * grey[1:-1, 2:] + grey[2:, 2:]
    right -= grey[:-2, :-2] + 2 * grey[1:-1, :-2] + grey[2:, :-2]
    strength[1:-1, 1:-1] = np.hypot(down, right)
    return strength


def vignette(shape):
    """Return a factor for each pixel that darkens the corners of the poster."""
    y = np.linspace(-1.0, 1.0, shape[0], dtype=np.float32)[:, np.newaxis]
    x = np.linspace(-1.0, 1.0, shape[1], dtype=np.float32)[np.newaxis, :]
    return 1.0 - 0.25 * (x * x + y * y)


def develop(photo):
    """Return the finished poster and its statistics, by name."""
    # One print for each tint, laid side by side: (rows, y, columns, x, colour).
    stored = photo.astype(np.float32) / 255
    rows, cols, _ = TINTS.shape
    height, width, _ = stored.shape
    light = to_linear(stored)
    grey = luminance(light)[:, :, np.newaxis]
    light = grey + SATURATION * (light - grey)
    prints = light[np.newaxis, :, np.newaxis] * TINTS[:, np.newaxis, :, np.newaxis]

    # Exposure: the mean tone of every print is the photograph's own.
    tone = prints.mean(axis=(1, 3, 4), keepdims=True, dtype=np.float64)  # in float32 errors add up
    prints *= light.mean(dtype=np.float64) / tone
    poster = np.minimum(prints, 1).reshape(rows * height, cols * width, 3)

    soft = blur(poster, gaussian(SIGMA))
    detail = poster - soft
    detail -= np.clip(detail, -NOISE, NOISE)
    sharp = np.clip(poster + AMOUNT * detail, 0, 1)

    # Ink where the softened picture changes fast; softened, so that grain draws no lines.
    edges = sobel(to_srgb(luminance(soft)))
    ink = np.clip((edges - 0.25) / 0.5, 0, 1)
    inked = sharp * (1 - 0.85 * ink[:, :, np.newaxis]) * vignette(edges.shape)[:, :, np.newaxis]
    finished = to_srgb(inked)

    # Tones of the original, as counts of pixels.
    wide = photo.astype(np.int32)
    tone = (77 * wide[..., 0] + 151 * wide[..., 1] + 28 * wide[..., 2]) >> 8
    tones = [np.count_nonzero((tone >= low) & (tone < low + 8)) for low in range(0, 256, 8)]

    cells = finished.reshape(rows, height, cols, width, 3)
    return {
        "poster": finished[::SHOW, ::SHOW],
        "soft": soft[::SHOW, ::SHOW],
        "edges": edges[::SHOW, ::SHOW],
        "tones": np.array(tones),
        "mean": cells.mean(axis=(1, 3), dtype=np.float64).astype(np.float32),
        "contrast": cells.std(axis=(1, 3), dtype=np.float64).astype(np.float32),
        "highest": finished.max(axis=(0, 1)),
        "inked": np.array(ink.mean()),
        "column_light": luminance(inked).mean(axis=0),
    }


def draw(result, outdir):
    """Save the poster, and a sheet of the steps on the way to it."""
    plt.imsave(outdir / "photo_poster.png", np.clip(result["poster"], 0, 1))

    figure, axes = plt.subplots(1, 3, figsize=(13, 4.6), layout="constrained")
    axes[0].imshow(to_srgb(np.clip(result["soft"][:300, :256], 0, 1)))
    axes[0].set_title("softened")
    axes[1].imshow(result["edges"][:300, :256], cmap="gray_r")
    axes[1].set_title("edges")
    for axis in axes[:2]:
        axis.set_axis_off()
    axes[2].bar(np.arange(0, 256, 8), result["tones"], 7, align="edge", color="dimgray")
    axes[2].set(title="tones of the original", xlabel="grey", ylabel="pixels")
    figure.savefig(outdir / "photo_steps.png", dpi=90)
    plt.close(figure)


def main(outdir):
    """Develop the poster, save its results and pictures in `outdir`."""
    outdir = Path(outdir)
    outdir.mkdir(parents=True, exist_ok=True)
    photo = load()

    start = time.perf_counter()
    result = develop(photo)
    np.savez(outdir / "photo.npz", **result)
    print(f"compute: {time.perf_counter() - start:.3f} s")

    rows, cols, _ = TINTS.shape
    print(f"photograph: {photo.shape[1]} x {photo.shape[0]}, {rows * cols} prints on the poster")
    print(f"inked: {100 * float(result['inked']):.1f} % of full ink")
    print(f"mean tone of the first print: {float(result['mean'][0, 0].mean()):.3f}")
    draw(result, outdir)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "out")
