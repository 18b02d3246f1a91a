"""simple-hl7 of the npm registry, made to keep the same promise: each message written and synced before it is acknowledged."""
import contextlib
import pathlib
import shutil
import subprocess

from bus import SERVER_CORE, Failed, free_port, pinned

PACKAGE = "simple-hl7@3.3.0"
SERVER = pathlib.Path(__file__).with_name("peer-simple-hl7.js")


def install(folder):
    if not shutil.which("npm") or not shutil.which("node"):
        raise Failed("npm and node are not there")
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise Failed("npm could not install simple-hl7: " + (done.stderr.strip().splitlines() or ["no reason"])[-1])


@contextlib.contextmanager
def simple_hl7(tools):
    """Gives the port of a server that is up."""
    folder = tools.disk / "peer"
    folder.mkdir(exist_ok=True)
    install(folder)
    shutil.copy(SERVER, folder)
    port = free_port()
    core = tools.core(SERVER_CORE)
    command = ["node", SERVER.name, str(port), "messages"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=folder, preexec_fn=pinned(core), **pipes)
    try:
        if process.stdout.readline().strip() != "ready":
            raise Failed("simple-hl7 did not start: " + (process.stderr.read().strip().splitlines() or ["no reason"])[-1])
        yield port
    finally:
        process.kill()
        process.communicate()
