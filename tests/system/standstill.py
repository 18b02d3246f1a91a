"""Brings threads to a standstill and waits until others have nothing to do: what is proved by order and counts needs no clock.

A thread that was woken is runnable from that moment on, whether a processor is free for it or not. So when ZeroMQ's thread of the sender
sleeps again after a send, the bytes are in the receiver's socket; and when the receiver's sleeps after that, they are in its queue.
"""

import contextlib
import ctypes
import os
import pathlib

from carebus_bus import wait_for

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000


def threads(pid, name):
    """Folders in /proc of those threads whose name begins so."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            if (task / "comm").read_text().startswith(name):
                found.append(task)
    return found


def sleeps(task):
    """Does it wait for something to happen? One that is gone does."""
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0] == "S"
    except OSError:
        return True


def wait_carried(*pids):
    """Until ZeroMQ's threads of these processes, senders first, have carried all that they can."""
    for pid in pids:
        wait_for(lambda p=pid: all(sleeps(task) for task in threads(p, "ZMQbg/IO")), what=f"process {pid} carries what it has")


@contextlib.contextmanager
def held(bus, thread="intake"):
    """One thread of core stands still, the others go on: what comes meanwhile has arrived, and is not looked at yet."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    tid = next(int(task.name) for task in threads(bus.pid, thread))

    def ptrace(request):
        if libc.ptrace(request, tid, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")

    ptrace(PTRACE_SEIZE)
    try:
        ptrace(PTRACE_INTERRUPT)
        os.waitpid(tid, WALL)
        yield
    finally:
        ptrace(PTRACE_DETACH)
