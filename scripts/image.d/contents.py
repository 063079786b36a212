"""Prints the contents of the image, and fails if something is in it that should not be.

    contents.py ROOT

``ROOT`` is the folder of the image's files.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_VENV: Final = "opt/mailroom"
_UNWANTED_PATHS: Final = ("src", "opt/build", "root/.cache", "root/.local", f"{_VENV}/bin/pip")
_UNWANTED_TOOLS: Final = ("uv", "gcc", "cc", "git")
_SHOWN_PACKAGES: Final = 6


def main() -> None:
    """Print the sizes; exit 1 if something is wrong."""
    root = Path(sys.argv[1])
    for line in _sizes(root):
        print(line)  # noqa: T201 - its purpose
    if wrong := list(_mistakes(root)):
        sys.exit("\n".join(wrong))


def _sizes(root: Path) -> Iterator[str]:
    (packages,) = (root / _VENV).glob("lib/python3.*/site-packages")
    everything, venv = _size(root), _size(root / _VENV)
    yield f"image       {_mb(everything)} MB"
    yield f"  base      {_mb(everything - venv)} MB"
    yield f"  packages  {_mb(venv)} MB, of which"
    sizes = sorted(((_size(package), package.name) for package in packages.iterdir()), reverse=True)
    largest = [f"{name} {_mb(size)}" for size, name in sizes[:_SHOWN_PACKAGES]]
    yield f"            {', '.join(largest)}, ..., mailroom {_mb(_size(packages / 'mailroom'))}"


def _size(path: Path) -> int:
    """Return the size of a file, or of all files in a folder, in bytes."""
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size
    return sum(_size(child) for child in path.iterdir())


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f}"


def _mistakes(root: Path) -> Iterator[str]:
    for path in _UNWANTED_PATHS:
        if (root / path).exists():
            yield f"/{path} is in the image"
    for tool in _UNWANTED_TOOLS:
        for folder in ("bin", "usr/bin", "usr/local/bin", f"{_VENV}/bin"):
            if (root / folder / tool).exists():
                yield f"/{folder}/{tool} is in the image"
    for source in (root / _VENV / "lib").rglob("*.py"):
        if not list((source.parent / "__pycache__").glob(f"{source.stem}.cpython-*.pyc")):
            yield f"{source.relative_to(root)} is not compiled"
    if not list(root.glob("usr/**/python3.*/http/__pycache__/client.cpython-*.opt-2.pyc")):
        yield "the standard library is not compiled for PYTHONOPTIMIZE=2"


if __name__ == "__main__":
    main()
