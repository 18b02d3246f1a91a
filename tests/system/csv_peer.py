"""A hospice that drops files into a folder, and a real carebus-csv that watches it."""

import csv
import io
import os
import signal
import subprocess

from carebus_bus import ANSWER_SECONDS, BUILD, FINDING, SLOW, BusError, wait_for

CAREBUS_CSV = BUILD / "adapters" / "csv" / "carebus-csv"
TAKEN_SECONDS = 30 * SLOW


class Csv:
    """carebus-csv as the adapter of one source of a bus, and the folder that it watches."""

    def __init__(self, bus, source="hospice", profile=None, **settings):
        self.bus, self.source = bus, source
        self.folder = bus.folder / f"in-{source}"
        self.folder.mkdir()
        self.process = None
        self.log_path = bus.folder / f"csv-{source}.log"
        if profile is not None:
            folder = bus.folder / "profiles"
            folder.mkdir(exist_ok=True)
            (folder / f"{source}.yaml").write_text(profile, encoding="utf-8")
            settings["profile"] = source
        bus.config["sources"][source] = {"team": "ward", "adapter": "csv", "folder": str(self.folder), **settings}
        bus.config["teams"]["ward"]["may_read"].append(source)
        bus.write_config()

    def start(self, wrapper=(), wait=True):
        watched = self.log().count("event=FOLDER_WATCHED")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*wrapper, str(CAREBUS_CSV), "--config", str(self.bus.config_path), "--source", self.source],
                                            stderr=log, stdout=log, start_new_session=True)
        if wait:
            wait_for(lambda: self.log().count("event=FOLDER_WATCHED") > watched, what="carebus-csv to watch its folder")
        return self

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def stop(self, seconds=ANSWER_SECONDS):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        self.process = None
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def close(self):
        if self.process and self.process.poll() is None:
            self.stop()
        if FINDING.search(self.log()):
            raise BusError(f"a sanitizer found something in carebus-csv:\n{self.log()[-8000:]}")

    # -- what a person does, and sees

    def drop(self, name, content, when=None):
        """Copies a file in, as a program does that writes beside and renames."""
        data = content.encode("utf-8") if isinstance(content, str) else content
        path = self.folder / f".{name}.copying"
        path.write_bytes(data)
        if when is not None:
            os.utime(path, (when, when))
        path.rename(self.folder / name)

    def wait_gone(self, name, seconds=TAKEN_SECONDS):
        def gone():
            if self.process is not None and self.process.poll() is not None:
                raise BusError(f"carebus-csv ended with {self.process.returncode}\n{self.log()[-4000:]}")
            return not (self.folder / name).exists()
        wait_for(gone, seconds, lambda: f"{name} to be taken; {sorted(p.name for p in self.folder.iterdir())}\n{self.log()[-2000:]}")

    def deliver(self, name, content, seconds=TAKEN_SECONDS):
        """Drops it, waits until it was taken, and reads the receipt."""
        self.drop(name, content)
        self.wait_gone(name, seconds)
        return self.receipt(name)

    def receipt(self, name):
        stem = name[:-4] if name.lower().endswith(".csv") else name
        return Receipt((self.folder / f"{stem}.receipt.csv").read_text(encoding="utf-8"))

    def done(self):
        return sorted(path.name for path in (self.folder / "done").iterdir() if ".receipt." not in path.name)

    def problem(self):
        return sorted(path.name for path in (self.folder / "problem").iterdir())

    def events(self):
        self.bus.wait_folded()
        return [line for line in self.bus.ctl_json("tail") if line.get("source") == self.source and not line["type"].startswith("bus.")]


class Receipt:
    def __init__(self, text):
        self.text = text
        self.rows = list(csv.DictReader(io.StringIO(text, newline="")))
        self.lines = {int(row["line"]): row for row in self.rows if row["line"]}
        self.file = [row for row in self.rows if not row["line"]]

    def statuses(self):
        return [row["status"] for row in self.lines.values()]

    def count(self, status):
        return self.statuses().count(status)
