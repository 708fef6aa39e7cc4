"""Where, when and with what a run was made."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import datetime, timezone
from pathlib import Path


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parent).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def describe(arguments: list[str]) -> dict:
    """Processor, memory, system, compiler, commit and command."""
    processor = dict(re.findall(r"^\s*(.+?):\s+(.*)$", _output("lscpu"), re.MULTILINE))
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text()) if os.path.exists("/proc/meminfo") else None
    return {
        "began": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "load": os.getloadavg(),
        "command": " ".join(["benches/peers/run.sh", *arguments]),
        "commit": _output("git", "rev-parse", "--short", "HEAD") + ("" if not _output("git", "status", "--porcelain") else ", changed"),
        "processor": processor.get("Model name", platform.processor() or platform.machine()),
        "instructions": [name for name in ("avx2", "avx512f") if name in processor.get("Flags", "")],
        "cores": os.cpu_count(),
        "caches": {level: processor[f"{level} cache"] for level in ("L1d", "L2", "L3") if f"{level} cache" in processor},
        "memory_gib": round(int(memory[1]) / 2**20) if memory else None,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "rustc": _output("rustc", "--version").removeprefix("rustc ").split(" (")[0],
    }


def slug(found: dict) -> str:
    """The processor in a file name."""
    return re.sub(r"[^a-z0-9]+", "-", found["processor"].lower()).strip("-")
