"""A process's use of memory, processor and sockets, from proc(5)."""

import os
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """Resident memory, in MB (10^6 bytes)."""
    return _memory(pid, "VmRSS:")


def peak_memory(pid: int) -> float:
    """Return the most resident memory that the process has ever had, in MB (10^6 bytes)."""
    return _memory(pid, "VmHWM:")


def _memory(pid: int, name: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    (kibibytes,) = (line.split()[1] for line in status.splitlines() if line.startswith(name))
    return int(kibibytes) * 1024 / 1e6


def cpu_seconds(pid: int) -> float:
    """Return the processor time that the process has used so far, in seconds."""
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    user, system = after_name[11:13]
    return (int(user) + int(system)) / _TICKS


def sockets(pid: int) -> int:
    """Return the number of open sockets."""
    count = 0
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            count += str(descriptor.readlink()).startswith("socket:")
        except FileNotFoundError:
            continue  # closed in the meantime
    return count
