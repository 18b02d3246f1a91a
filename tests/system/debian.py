"""A clean Debian 12 as a tar, and the packages of the newest commit: each is made once, and by whoever needs it first."""

import functools
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEPT_SECONDS = 30 * 86400
# What even a small machine of an administrator has, and the packages need not bring.
PLAIN = ("systemd", "man-db", "ca-certificates")


class CannotMake(Exception):
    """This machine cannot make it; the text says why."""


def image(name, include):
    """A tar of a minimal Debian 12 with these packages; fetched in a minute or two, and kept for a month in the user's cache.

    The ending of `name` says how it is compressed: .tar or .tar.gz.
    """
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "carebus"
    path = cache / name
    if path.exists() and time.time() - path.stat().st_mtime < KEPT_SECONDS:
        return path
    if not shutil.which("mmdebstrap"):
        raise CannotMake("mmdebstrap is not there: package mmdebstrap")
    cache.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{os.getpid()}.{name}")
    done = subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(include)}", "bookworm", str(new)],
                          capture_output=True, text=True, timeout=1800, check=False)
    if done.returncode != 0:
        new.unlink(missing_ok=True)
        if path.exists():
            return path
        raise CannotMake(f"mmdebstrap cannot fetch Debian, is there a network? {done.stderr[-300:]}")
    new.rename(path)
    return path


def plain_image():
    """The Debian in which packages are installed, upgraded and removed: nothing that they need themselves is in it."""
    return image("bookworm-plain-1.tar.gz", PLAIN)


def build(folder, umask=0o022, through=(), **environment):
    """Builds the packages of the newest commit into a new folder; `through` is a command that runs the one behind it."""
    folder.mkdir(parents=True)
    with open(folder / "build.log", "w", encoding="utf-8") as log:
        done = subprocess.run([*through, str(ROOT / "packaging/build.sh"), str(folder)], stdout=log, stderr=subprocess.STDOUT,
                              umask=umask, check=False, env={**os.environ, "CCACHE_DISABLE": "1", **environment})
    assert done.returncode == 0, (folder / "build.log").read_text(encoding="utf-8")[-4000:]
    return folder


@functools.cache
def _temporary():
    return tempfile.TemporaryDirectory(prefix="carebus-packages-")


@functools.cache
def packages():
    """Folder of the packages: what CAREBUS_PACKAGES names, which packaging/build.sh has filled before, or one that is built now."""
    if os.environ.get("CAREBUS_PACKAGES"):
        return pathlib.Path(os.environ["CAREBUS_PACKAGES"])
    missing = [tool for tool in ("dpkg-buildpackage", "dh", "dh_apparmor", "dh_python3") if not shutil.which(tool)]
    if missing:
        raise CannotMake(f"not installed: {', '.join(missing)} (group `package` of packaging/dependencies.txt)")
    return build(pathlib.Path(_temporary().name) / "a", TZ="UTC", LC_ALL="C.UTF-8")


def debs():
    """Files of the packages by name, without those of debugging symbols."""
    return {path.name: path for path in sorted(packages().glob("*.deb")) if "-dbgsym_" not in path.name}
