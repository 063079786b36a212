"""Scripts that start real servers for the tests."""

import asyncio
from pathlib import Path


async def run(script: Path, instance: str, *arguments: str) -> str:
    """Run a script for one of its instances and return what it prints.

    Raises:
        RuntimeError: the script failed; the text is the script's own.
    """
    return await output_of(script, "--instance", instance, *arguments)


async def output_of(script: Path, *arguments: str) -> str:
    """Run a script and return what it prints.

    Raises:
        RuntimeError: the script failed; the text is the script's own.
    """
    process = await asyncio.create_subprocess_exec(
        str(script),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"scripts/{script.name} {' '.join(arguments)}: {err.decode()}")
    return out.decode()
