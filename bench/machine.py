"""What a figure was taken on, and what a process or a disk has used: read from /proc and /sys."""
import os
import pathlib
import platform
import subprocess


def _first(path, prefix):
    for line in pathlib.Path(path).read_text().splitlines():
        if line.startswith(prefix):
            return line.split(":", 1)[1].strip()
    return "unknown"


def file_system(folder):
    """Type and options of the file system that a folder lies on."""
    found = ("/", "unknown", "")
    real = os.path.realpath(folder)
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        inside = real == where or real.startswith(where.rstrip("/") + "/")
        if inside and len(where) >= len(found[0]):
            found = (where, kind, options)
    return found


def device_folder(folder):
    """/sys folder of the block device under a folder; None where there is none (tmpfs, overlay)."""
    number = os.stat(folder).st_dev
    path = pathlib.Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}")
    return path if (path / "stat").exists() else None


def bytes_written(folder):
    """By everybody to the device under the folder, since it was started; None where that cannot be known."""
    device = device_folder(folder)
    return int((device / "stat").read_text().split()[6]) * 512 if device else None


def program_version(*command):
    try:
        lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
        return lines[0] if lines else "unknown"
    except OSError:
        return "not there"


def zeromq_version():
    try:
        import zmq

        return zmq.zmq_version()
    except ImportError:
        return "unknown"


def facts(build, folder):
    """Pairs of a name and what it is, in the order in which they are printed."""
    mount, kind, options = file_system(folder)
    kernel_options = ",".join(o for o in options.split(",") if o in ("data=journal", "data=writeback", "nobarrier", "sync"))
    memory = int(_first("/proc/meminfo", "MemTotal").split()[0]) // 1024
    return [
        ("processor", f"{_first('/proc/cpuinfo', 'model name')}, {len(os.sched_getaffinity(0))} cores"),
        ("memory", f"{memory} MiB"),
        ("kernel", platform.release()),
        ("state folder", f"{kind} at {mount}{' ' + kernel_options if kernel_options else ''}"),
        ("system", _first_of_os_release()),
        ("compiler", program_version("cc", "--version")),
        ("libzmq", zeromq_version()),
        ("carebus", program_version(str(build / "ctl/carebusctl"), "--version")),
        ("load before", " ".join(pathlib.Path("/proc/loadavg").read_text().split()[:3])),
    ]


def _first_of_os_release():
    for line in pathlib.Path("/etc/os-release").read_text().splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.split("=", 1)[1].strip('"')
    return platform.system()


def thread_times(pids):
    """{(pid, thread name): nanoseconds on a core}; threads of one name are added up."""
    times = {}
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
            try:
                name = (task / "comm").read_text().strip()
                spent = int((task / "schedstat").read_text().split()[0])
            except (OSError, IndexError):
                continue
            times[(pid, name)] = times.get((pid, name), 0) + spent
    return times


def memory_anonymous(pid):
    """Bytes that are the process's own: neither page cache nor shared."""
    return int(_first(f"/proc/{pid}/status", "RssAnon").split()[0]) * 1024


def children(pid):
    listed = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []
