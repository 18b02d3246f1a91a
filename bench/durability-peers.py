"""carebus and servers of its kind in the same fault: what was acknowledged, and what of it is there afterwards. Prints a table.

    /usr/bin/python3 bench/durability-peers.py [--build build] [--seconds 4] [--only NAME] [--faults kill,power]

kill    SIGKILL to every process of the server
power   the file system under its files is shut down without writing what it holds back (FS_IOC_SHUTDOWN), as a power cut does; the server
        is killed, the file system mounted again

Needs root for `power` (a file system in a file, package xfsprogs), and of Debian: mosquitto python3-paho-mqtt nats-server rabbitmq-server
python3-pika. Who is missing is left out, and said.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

IMAGE_BYTES = 2 << 30
FAULTS = ("kill", "power")


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: exit {done.returncode}: {done.stderr.strip()}")


class Disk:
    """An ext4 in a file, whose power can be cut."""

    def __init__(self, folder):
        self.image, self.mountpoint = folder / "disk.img", folder / "disk"
        self.mountpoint.mkdir()
        with open(self.image, "wb") as file:
            file.truncate(IMAGE_BYTES)
        run("mkfs.ext4", "-q", "-F", self.image)
        self.mount()

    def mount(self):
        run("mount", "-o", "loop", self.image, self.mountpoint)

    def unmount(self):
        for _ in range(600):
            if subprocess.run(["umount", self.mountpoint], capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.05)
        run("umount", "-l", self.mountpoint)

    def cut_power(self):
        run("xfs_io", "-x", "-c", "shutdown", self.mountpoint)


class Plain:
    """A folder, where nothing is cut."""

    def __init__(self, folder):
        self.mountpoint = folder / "disk"
        self.mountpoint.mkdir()

    def unmount(self):
        pass


def strike(peer, disk, fault, publishing):
    """Does it while numbers are on their way; what was acknowledged until just before a cut, or at all before a kill."""
    acknowledged = None
    if fault == "power":
        acknowledged = set(publishing.acknowledged)
        disk.cut_power()
    peer.kill()
    publishing.over.set()
    return acknowledged


def publish(peer, publishing):
    """What a broken connection says is no news: the server was killed."""
    try:
        peer.publish(publishing)
    except Exception as error:  # noqa: BLE001 each library has its own
        if not publishing.over.is_set():
            print(f"durability: {peer.name}: {type(error).__name__}: {error}", file=sys.stderr)


def trial(kind, fault, seconds, folder):
    """How many were acknowledged, and lost of these; None where the server did not start again."""
    from durability_peers import PeerFailed, Publishing

    disk = Disk(folder) if fault == "power" else Plain(folder)
    peer = kind(disk.mountpoint)
    publishing = Publishing()
    try:
        peer.start()
        peer.prepare()
        os.sync()  # what a server was set up with is not what is asked about
        thread = threading.Thread(target=publish, args=(peer, publishing), daemon=True)
        thread.start()
        time.sleep(seconds)
        acknowledged = strike(peer, disk, fault, publishing)
        thread.join(10)
        acknowledged = acknowledged if acknowledged is not None else set(publishing.acknowledged)
        if not acknowledged:
            raise SystemExit(f"{kind.name}: nothing was acknowledged within {seconds} s, so nothing can be said")
        if fault == "power":
            disk.unmount()
            disk.mount()
        try:
            peer.start()
            found = peer.recovered()
        except PeerFailed as error:
            print(f"durability: {error}", file=sys.stderr)
            return len(acknowledged), None
        return len(acknowledged), len(acknowledged - found)
    finally:
        peer.close()
        disk.unmount()


def percent(part, whole):
    if part is None:
        return "did not start again"
    return "0" if part == 0 else f"{part:,} ({100 * part / whole:.3g} %)"


def rows(options):
    import durability_peers

    for kind in durability_peers.PEERS:
        if options.only and options.only != kind.name:
            continue
        if not kind.is_there():
            print(f"durability: {kind.name} is left out: package {kind.package} is not installed", file=sys.stderr)
            continue
        for fault in options.faults:
            print(f"durability: {kind.name}, {fault}", file=sys.stderr)
            folder = pathlib.Path(tempfile.mkdtemp(prefix="durability-"))
            try:
                acknowledged, lost = trial(kind, fault, options.seconds, folder)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            yield kind, fault, acknowledged, lost


def arguments():
    parser = argparse.ArgumentParser(description="carebus and servers of its kind in the same fault")
    parser.add_argument("--build", default="build", help="the build folder (build)")
    parser.add_argument("--seconds", type=float, default=4, help="how long is published before the fault (4)")
    parser.add_argument("--only", help="one server: carebus, mosquitto, nats-server, rabbitmq")
    parser.add_argument("--faults", type=lambda text: text.split(","), default=FAULTS, help="kill,power")
    options = parser.parse_args()
    if set(options.faults) - set(FAULTS):
        parser.error(f"--faults: {', '.join(FAULTS)}")
    if "power" in options.faults and (os.geteuid() != 0 or not shutil.which("xfs_io")):
        print("durability: no power is cut: that needs root and xfs_io (package xfsprogs)", file=sys.stderr)
        options.faults = [fault for fault in options.faults if fault != "power"]
    return options


def main():
    options = arguments()
    os.environ["CAREBUS_BUILD"] = str(pathlib.Path(options.build).resolve())
    print("| server | setting | fault | acknowledged | acknowledged and lost |")
    print("|---|---|---|--:|--:|")
    wrong_here = False
    for kind, fault, acknowledged, lost in rows(options):
        print(f"| {kind.name} {kind.version()} | {kind.setting} | {fault} | {acknowledged:,} | {percent(lost, acknowledged)} |", flush=True)
        wrong_here |= kind.name == "carebus" and lost != 0
    return int(wrong_here)


if __name__ == "__main__":
    sys.exit(main())
