"""Small symmetric positive systems, as those of least squares."""

from __future__ import annotations

import numpy as np

from foretide.compiled import njit


@njit
def cholesky(A):  # type: ignore[no-untyped-def]
    """Return the lower triangle ``L`` with ``A = L L'``; a direction without any pivot gets an endless one."""
    L = np.zeros(A.shape)
    for i in range(A.shape[0]):
        for j in range(i + 1):
            rest = A[i, j]
            for k in range(j):
                rest -= L[i, k] * L[j, k]
            if i > j:
                L[i, j] = rest / L[j, j]
            else:
                L[i, i] = np.sqrt(rest) if rest > 1e-14 * A[i, i] + 1e-300 else 1e150
    return L


@njit
def solve(A, b):  # type: ignore[no-untyped-def]
    """Solve a symmetric positive system; a direction without any pivot stays where it is."""
    L, x = cholesky(A), b.copy()
    for i in range(b.size):
        for k in range(i):
            x[i] -= L[i, k] * x[k]
        x[i] /= L[i, i]
    for i in range(b.size - 1, -1, -1):
        for k in range(i + 1, b.size):
            x[i] -= L[k, i] * x[k]
        x[i] /= L[i, i]
    return x


@njit
def log_volume(gram):  # type: ignore[no-untyped-def]
    """Return the logarithm of the determinant of a positive matrix of which the lower half is given."""
    total = 0.0
    L = cholesky(gram)
    for v in range(gram.shape[0]):
        total += 2.0 * np.log(L[v, v])
    return total
