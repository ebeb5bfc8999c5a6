"""Contact and clearance by geometry, for bodies seen from above."""

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


def rectangles_touch(first: np.ndarray, second: np.ndarray, within: np.ndarray | float = 0.0) -> np.ndarray:
    """Return whether rectangles given by corners (..., 4, 2) overlap or touch, shape (...).

    Separating axis theorem: two convex shapes are apart exactly if their projections on the normal
    of one of their edges are. With `within` [m], shape (...), they also count as touching if no such
    projections are farther apart than that.
    """
    first, second = np.broadcast_arrays(first, second)
    edges = np.concatenate([np.diff(first[..., :3, :], axis=-2), np.diff(second[..., :3, :], axis=-2)], axis=-2)
    normals = np.stack([-edges[..., 1], edges[..., 0]], axis=-1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    a = np.einsum("...ij,...kj->...ki", first, normals)
    b = np.einsum("...ij,...kj->...ki", second, normals)
    apart = np.maximum(a.min(-1), b.min(-1)) - np.minimum(a.max(-1), b.max(-1)) > np.asarray(within)[..., None]
    return ~apart.any(axis=-1)


def contacts(
    position: np.ndarray, heading: np.ndarray, size: np.ndarray, within: np.ndarray | float = 0.0
) -> np.ndarray:
    """Return which of n bodies touch another, shape (n,) bool, from (n, 2) [m], (n,) [rad], (n, 2) [m].

    `within`, a number or shape (n, n) [m], is how far apart a pair still counts as touching; below 0, never.
    """
    position, size = np.asarray(position, float), np.asarray(size, float)
    within = np.broadcast_to(within, (len(position), len(position)))
    radius = np.hypot(size[:, 0], size[:, 1]) / 2
    distance = np.hypot(*(position[:, None, :] - position[None, :, :]).transpose(2, 0, 1))
    near = np.triu((distance <= radius[:, None] + radius[None, :] + within) & (within >= 0), k=1)
    touching = np.zeros(len(position), dtype=bool)
    if near.any():
        first, second = np.nonzero(near)
        shapes = corners(position, heading, size)
        hit = rectangles_touch(shapes[first], shapes[second], within[first, second])
        touching[first[hit]] = touching[second[hit]] = True
    return touching


def clearance(
    position: np.ndarray, heading: np.ndarray, size: np.ndarray, centre: np.ndarray, radius: np.ndarray
) -> np.ndarray:
    """Return the distance from rectangles to circles, shape (...) [m], 0 where they touch or overlap.

    Args:
        position: Centres of the rectangles, shape (..., 2) [m].
        heading: Angle of their long axis from x, shape (...) [rad].
        size: Their length and width, shape (..., 2) [m].
        centre: Centres of the circles, shape (..., 2) [m].
        radius: Their radii, shape (...) [m].
    """
    offset = np.asarray(centre, float) - np.asarray(position, float)
    cos, sin = np.cos(heading), np.sin(heading)
    along = np.abs(offset[..., 0] * cos + offset[..., 1] * sin)
    across = np.abs(offset[..., 1] * cos - offset[..., 0] * sin)
    half = np.asarray(size, float) / 2
    outside = np.hypot(np.maximum(along - half[..., 0], 0.0), np.maximum(across - half[..., 1], 0.0))
    return np.maximum(outside - radius, 0.0)
