"""Contact of rectangles by geometry, for bodies seen from above."""

from __future__ import annotations

import numpy as np

_CORNERS = np.array([(1, 1), (1, -1), (-1, -1), (-1, 1)]) / 2


def corners(position: np.ndarray, heading: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return the corners of rectangles, shape (..., 4, 2) [m].

    Args:
        position: Centres, shape (..., 2) [m].
        heading: Angle of the long axis from x, shape (...) [rad].
        size: Length and width, shape (..., 2) [m].
    """
    local = _CORNERS * np.asarray(size, float)[..., None, :]
    cos, sin = np.cos(heading)[..., None], np.sin(heading)[..., None]
    x = local[..., 0] * cos - local[..., 1] * sin
    y = local[..., 0] * sin + local[..., 1] * cos
    return np.stack([x, y], axis=-1) + np.asarray(position, float)[..., None, :]


def rectangles_touch(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return whether rectangles given by corners (..., 4, 2) overlap or touch, shape (...).

    Separating axis theorem: two convex shapes are apart exactly if their projections on the normal
    of one of their edges are.
    """
    first, second = np.broadcast_arrays(first, second)
    edges = np.concatenate([np.diff(first[..., :3, :], axis=-2), np.diff(second[..., :3, :], axis=-2)], axis=-2)
    normals = np.stack([-edges[..., 1], edges[..., 0]], axis=-1)
    a = np.einsum("...ij,...kj->...ki", first, normals)
    b = np.einsum("...ij,...kj->...ki", second, normals)
    apart = (a.max(-1) < b.min(-1)) | (b.max(-1) < a.min(-1))
    return ~apart.any(axis=-1)


def contacts(position: np.ndarray, heading: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return which of n bodies touch another, shape (n,) bool, from (n, 2) [m], (n,) [rad], (n, 2) [m]."""
    position, size = np.asarray(position, float), np.asarray(size, float)
    radius = np.hypot(size[:, 0], size[:, 1]) / 2
    distance = np.hypot(*(position[:, None, :] - position[None, :, :]).transpose(2, 0, 1))
    near = np.triu(distance <= radius[:, None] + radius[None, :], k=1)
    touching = np.zeros(len(position), dtype=bool)
    if near.any():
        first, second = np.nonzero(near)
        shapes = corners(position, heading, size)
        hit = rectangles_touch(shapes[first], shapes[second])
        touching[first[hit]] = touching[second[hit]] = True
    return touching
