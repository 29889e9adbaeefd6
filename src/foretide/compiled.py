"""Kernels: functions that numba compiles once and keeps on disk for the next process.

numba compiles a kept kernel again only when the file that defines it changes, though the kernel holds the kernels and
constants it uses from other files as they were that day. Here it is also compiled again when any of those files
changes: the kept code is stamped with the sources of all modules that the kernel's own one imports.

Where code is kept is numba's choice: ``NUMBA_CACHE_DIR`` if set, ``__pycache__`` beside the file, or the user's cache
folder. A kernel has one file there, which later versions write over.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from typing import Any

import numba
from numba.core.caching import IndexDataCacheFile

Function = Callable[..., Any]

IMPORT = re.compile(r"^from (foretide[\w.]*) import (\([^)]*\)|.*)", re.MULTILINE)
WORD = re.compile(r"\w+")


def njit(function: Function) -> Any:
    """Compile a function that needs no Python, kept on disk and run without the interpreter's lock."""
    return _compiled(function, fastmath=False)


def njit_fastmath(function: Function) -> Any:
    """Compile like ``njit``, with sums in any order and on the promise that nothing is NaN or infinite.

    It becomes part of whatever calls it. Of a call numba would compile two copies, each with sums in an order of its
    own: the process that compiles would use the one, and those that load the kept code the other.
    """
    return _compiled(function, fastmath=True)


@cache
def stamp(module: str) -> bytes:
    """Return a digest of the sources of a loaded module and of all those of this package that it imports."""
    told = blake2b(digest_size=16)
    for name in sorted(_reached(module)):
        told.update(_source(name))
    return told.digest()


def _compiled(function: Function, *, fastmath: bool) -> Any:
    try:
        kernel = numba.njit(function, cache=True, nogil=True, fastmath=fastmath, forceinline=fastmath)
    except RuntimeError:  # numba found no folder it may write to
        advice = "kernels are compiled anew in each process; set NUMBA_CACHE_DIR to a folder that can be written to"
        warnings.warn(advice, RuntimeWarning, stacklevel=1)
        return numba.njit(function, nogil=True, fastmath=fastmath)
    if kernel is not function:  # NUMBA_DISABLE_JIT gives the function back
        _keep(kernel, function)
    return kernel


def _keep(kernel: Any, function: Function) -> None:
    """Let the kept code depend on more than its own file, and have one name whatever line it is defined at."""
    kept = kernel._cache  # noqa: SLF001 - numba has no public way to stamp a kernel
    name = f"{function.__module__}.{function.__qualname__}-{sys.implementation.cache_tag}"
    file: Any = IndexDataCacheFile(kept.cache_path, name, stamp(function.__module__))  # type: ignore[no-untyped-call]
    kept._cache_file = file  # noqa: SLF001


def _reached(module: str) -> set[str]:
    reached, ahead = set[str](), [module]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += _imported(name)
    return reached


@cache
def _imported(module: str) -> set[str]:
    """Return the modules of this package that a module imports; they are loaded, as imports come first."""
    found = set[str]()
    for parent, words in IMPORT.findall(_source(module).decode(errors="replace")):
        found |= {parent, *(f"{parent}.{word}" for word in WORD.findall(words))}
    return found & sys.modules.keys()


@cache
def _source(module: str) -> bytes:
    loaded: Any = sys.modules[module]
    return loaded.__loader__.get_data(loaded.__file__)
