"""Power cuts: a file system of its own is shut down under the writer, mounted again, and everything acknowledged is there.

`xfs_io -x -c shutdown` (FS_IOC_SHUTDOWN) makes a mounted ext4 or xfs drop what it has not written, as a power cut does.
"""

import os
import pathlib
import random
import shutil
import subprocess
import time

import pytest

BUILD = pathlib.Path(os.environ.get("CAREBUS_BUILD", "build"))
FAULTS = BUILD / "tests" / "faults"
SEGMENT_BYTES = str(256 * 1024)

# What mkfs makes at the smallest size at which it still makes a journal of its own.
FILE_SYSTEMS = {
    "ext4": (32, ["mkfs.ext4", "-q", "-F", "-J", "size=4"]),
    "xfs": (300, ["mkfs.xfs", "-q", "-f"]),
}

pytestmark = [pytest.mark.plain, pytest.mark.root]


def run(*command, check=True):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return done


def need_tools(kind):
    for tool in ("xfs_io", "losetup", "mount", "umount", FILE_SYSTEMS[kind][1][0]):
        if not shutil.which(tool, path=os.environ["PATH"] + ":/sbin:/usr/sbin"):
            pytest.skip(f"needs {tool} (packages xfsprogs, e2fsprogs, mount)")
    if not (FAULTS / "journal-writer").exists():
        pytest.skip(f"needs {FAULTS}/journal-writer (./run build)")


class Disk:
    """A file system in a file."""

    def __init__(self, folder, template):
        self.image = folder / "disk.img"
        self.mountpoint = folder / "disk"
        self.mountpoint.mkdir(exist_ok=True)
        run("cp", "--sparse=always", template, self.image)

    def mount(self):
        done = run("mount", "-o", "loop", self.image, self.mountpoint, check=False)
        if done.returncode != 0:
            pytest.skip(f"cannot mount a loop device here: {done.stderr.strip()}")

    def cut_power(self):
        run("xfs_io", "-x", "-c", "shutdown", self.mountpoint)

    def unmount(self):
        for _ in range(50):
            if run("umount", self.mountpoint, check=False).returncode == 0:
                return
            time.sleep(0.02)
        run("umount", "-l", self.mountpoint, check=False)


@pytest.fixture(scope="module", params=sorted(FILE_SYSTEMS))
def template(request, tmp_path_factory):
    need_tools(request.param)
    mebibytes, mkfs = FILE_SYSTEMS[request.param]
    image = tmp_path_factory.mktemp("template") / "disk.img"
    with open(image, "wb") as file:
        file.truncate(mebibytes << 20)
    run(*mkfs, image)
    return image


def write_until_the_cut(disk, seconds, batch):
    """What the writer said was durable when the power went: (journal, state)."""
    command = [FAULTS / "journal-writer", "--journal", disk.mountpoint / "journal", "--state", disk.mountpoint / "state"]
    command += ["--segment-bytes", SEGMENT_BYTES, "--batch", str(batch), "--prepare"]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        first = writer.stdout.readline()
        time.sleep(seconds)
        disk.cut_power()
        said = first + writer.communicate(timeout=20)[0]
    finally:
        writer.kill()
        writer.wait()
    assert writer.returncode == 74, "a writer whose disk is gone must stop"
    numbers = {"ack": 0, "state": 0}
    for line in said.splitlines():
        word, _, number = line.partition(" ")
        if word in numbers and number:
            numbers[word] = int(number)
    return numbers["ack"], numbers["state"]


def cut_and_check(disk, chance):
    disk.mount()
    try:
        acked, state = write_until_the_cut(disk, chance.uniform(0.01, 0.3), chance.choice([1, 1, 3, 20]))
    finally:
        disk.unmount()
    assert acked > 0
    disk.mount()
    try:
        command = [FAULTS / "journal-check", "--journal", disk.mountpoint / "journal", "--state", disk.mountpoint / "state"]
        command += ["--segment-bytes", SEGMENT_BYTES, "--acked", acked, "--state-acked", state, "--go-on"]
        run(*command)
    finally:
        disk.unmount()


def cycles(tmp_path, template, n):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for _ in range(n):
        disk = Disk(tmp_path, template)
        cut_and_check(disk, chance)
        if chance.random() < 0.5:
            cut_and_check(disk, chance)  # and once more on what was left
        disk.image.unlink()


def test_nothing_acknowledged_is_missing_after_a_power_cut(tmp_path, template):
    cycles(tmp_path, template, 5)


@pytest.mark.nightly
def test_nothing_acknowledged_is_missing_after_a_hundred_power_cuts(tmp_path, template):
    cycles(tmp_path, template, 100)
