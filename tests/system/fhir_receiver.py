"""A FHIR server that does what a script says with what it is sent, and a real carebus-fhir --destination in front of it.

A script is a list of answers, used one after the other; when it is empty the server behaves. An answer is a word:

    ok          as it should
    NNN         that status, with an OperationOutcome whose text nobody may log
    NNN/S       the same, with Retry-After: S
    html        200 with a page
    short       200 with a transaction-response that has one entry too few
    foreign     200 with an answer to another message
    stall       nothing, until the other side gives up
    vanish      what came is kept, and the connection ends without an answer
    late        kept and answered after the other side gave up
    redirect    to another host

With `by_version` it takes an update only of the version that is named (If-Match), as some servers do: else 412. A batch of GETs is
answered by what is there, and is none of `bundles`: it is in `asked`.
"""

import http.server
import json
import signal
import subprocess
import threading
import time

from carebus_bus import BUILD, FINDING, SLOW, wait_for

CAREBUS_FHIR = BUILD / "adapters" / "fhir" / "carebus-fhir"
SECRET_WORDS = "outcome-text-of-the-receiver"


class FhirReceiver:
    """Keeps what it took, by type and id, as a server does; `bundles` is all that was ever sent."""

    def __init__(self, port=0, token=None):
        self.token = token
        self.script = []
        self.poison = lambda bundle: None  # an answer for what is in it, before the script
        self.bundles, self.taken, self.resources, self.history = [], [], {}, []
        self.asked, self.versions, self.by_version = [], {}, False
        self.lock = threading.Lock()
        self.port = port
        self.server = None
        self.stop_stalling = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/base"

    def start(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.serve(self, json.loads(body))

        self.stop_stalling.clear()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def stop(self):
        self.stop_stalling.set()
        self.server.shutdown()
        self.server.server_close()
        self.server = None

    # ---- one request

    def serve(self, handler, bundle):
        if bundle["type"] == "batch":
            return self.reply(handler, 200, json.dumps(self.read(bundle)).encode())
        with self.lock:
            self.bundles.append(bundle)
            answer = self.poison(bundle) or (self.script.pop(0) if self.script else "ok")
            if answer == "ok" and self.by_version and not all(map(self.is_of_version, bundle["entry"])):
                answer = "412"
        if self.token and handler.headers.get("Authorization") != f"Bearer {self.token}":
            answer = "401"
        if answer in ("ok", "vanish", "late", "html", "short", "foreign"):
            self.take(bundle)
        if answer == "stall":
            self.stop_stalling.wait(30)
            return self.end(handler)
        if answer == "late":
            time.sleep(4)
        if answer == "vanish":
            return self.end(handler)
        if answer == "redirect":
            return self.reply(handler, 307, b"", Location="http://127.0.0.1:1/elsewhere")
        if answer == "html":
            return self.reply(handler, 200, b"<html>Please log in</html>", kind="text/html")
        if answer[0].isdigit():
            status, _, seconds = answer.partition("/")
            issue = {"severity": "error", "code": "processing", "diagnostics": SECRET_WORDS}
            outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
            return self.reply(handler, int(status), json.dumps(outcome).encode(), **({"Retry-After": seconds} if seconds else {}))
        return self.reply(handler, 200, json.dumps(self.answer(bundle, answer)).encode())

    def is_of_version(self, entry):
        there = self.versions.get(entry["request"]["url"])
        return there is None or entry["request"].get("ifMatch") == f'W/"{there}"'

    def read(self, batch):
        entries = []
        with self.lock:
            self.asked.append(batch)
            for entry in batch["entry"]:
                assert entry["request"]["method"] == "GET"
                url = entry["request"]["url"]
                if url not in self.resources:
                    entries.append({"response": {"status": "404 Not Found"}})
                    continue
                resource = dict(self.resources[url])
                resource["meta"] = {**resource.get("meta", {}), "versionId": str(self.versions[url])}
                entries.append({"resource": resource, "response": {"status": "200 OK"}})
        return {"resourceType": "Bundle", "type": "batch-response", "entry": entries}

    def change(self, name, **members):
        """Somebody there writes over it."""
        with self.lock:
            self.resources[name] = {**self.resources[name], **members}
            self.versions[name] += 1

    @staticmethod
    def end(handler):
        handler.close_connection = True
        handler.connection.close()

    @staticmethod
    def reply(handler, status, body, kind="application/fhir+json", **headers):
        try:
            handler.send_response(status)
            handler.send_header("Content-Type", kind)
            handler.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:
            pass

    def answer(self, bundle, how):
        if bundle["type"] == "transaction":
            entries = [{"response": {"status": "200 OK"}} for _ in bundle["entry"]]
            return {"resourceType": "Bundle", "type": "transaction-response", "entry": entries[1:] if how == "short" else entries}
        if bundle["type"] == "message":
            named = "another" if how == "foreign" else bundle["entry"][0]["resource"]["id"]
            header = {"resourceType": "MessageHeader", "response": {"identifier": named, "code": "ok"}}
            return {"resourceType": "Bundle", "type": "message", "entry": [{"resource": header}]}
        return {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "informational"}]}

    def take(self, bundle):
        with self.lock:
            self.taken.append(bundle)
            for entry in bundle["entry"]:
                resource = entry["resource"]
                name = f"{resource['resourceType']}/{resource['id']}"
                if self.resources.get(name) != resource:
                    self.resources[name] = resource
                    self.history.append(resource)
                self.versions[name] = self.versions.get(name, 0) + 1

    def of_type(self, kind):
        with self.lock:
            return [resource for resource in self.resources.values() if resource["resourceType"] == kind]


class FhirDestination:
    """carebus-fhir --destination, as a process."""

    def __init__(self, bus, name="out"):
        self.bus, self.name, self.process = bus, name, None
        self.log_path = bus.folder / f"{name}.log"

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([str(CAREBUS_FHIR), "--config", str(self.bus.config_path), "--destination", self.name],
                                            stderr=log, stdout=log)
        return self

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(20 * SLOW)
        self.process = None
        return code

    def close(self):
        if self.process:
            assert self.stop() == 0, self.log()[-4000:]
        assert not FINDING.search(self.log()), self.log()[-8000:]
        assert SECRET_WORDS not in self.log(), "what a receiver says is not logged"

    def wait_log(self, event):
        wait_for(lambda: f"event={event}" in self.log(), what=lambda: f"{event} in\n{self.log()[-3000:]}")
