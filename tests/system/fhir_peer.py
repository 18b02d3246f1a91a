"""The two ends of FHIR for system tests: a real carebus-fhir beside a bus, a client that speaks HTTP to it, and a server that is asked."""

import contextlib
import http.client
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import threading
import urllib.parse

from carebus_bus import ANSWER_SECONDS, BUILD, FINDING, BusError, log_rows, wait_for
from mllp_peer import free_port

CAREBUS_FHIR = BUILD / "adapters" / "fhir" / "carebus-fhir"
JSON = "application/fhir+json"


def patient(local="H1", resource_id=None, family="EXAMPLE", version=None, **fields):
    """A Patient with a hospital number."""
    resource = {"resourceType": "Patient", **fields}
    if resource_id:
        resource["id"] = resource_id
    if version:
        resource["meta"] = {"versionId": version, "lastUpdated": f"2026-11-01T10:{int(version):02d}:00Z"}
    resource["identifier"] = [{"system": "https://wester.example/pas", "value": local}]
    resource["name"] = [{"family": family, "given": ["Anna"]}]
    resource["birthDate"] = "1952-03-14"
    return resource


def encounter(resource_id=None, subject="Patient/p1", visit="V1", status="in-progress", **fields):
    """A stay."""
    resource = {"resourceType": "Encounter", "status": status, **fields}
    if resource_id:
        resource["id"] = resource_id
    resource["identifier"] = [{"system": "https://wester.example/visit", "value": visit}]
    resource["class"] = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}
    resource["subject"] = {"reference": subject}
    resource["period"] = {"start": "2026-11-01T10:10:00Z"}
    return resource


def bundle(kind, *entries):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def entry(resource=None, method="POST", url=None, full_url=None, **request):
    made = {}
    if full_url:
        made["fullUrl"] = full_url
    if resource is not None:
        made["resource"] = resource
    made["request"] = {"method": method, "url": url or resource["resourceType"], **request}
    return made


class Answer:
    """What the server said."""

    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body
        self.json = json.loads(body) if body else None

    @property
    def issues(self):
        return self.json["issue"] if self.json else []

    @property
    def paths(self):
        return [path for issue in self.issues for path in issue.get("expression", [])]

    @property
    def text(self):
        return " ".join(issue.get("diagnostics", "") for issue in self.issues)

    @property
    def id(self):
        """Of the resource that Location names."""
        return re.fullmatch(r"/\w+/([^/]+)(/_history/.*)?", self.headers["Location"]).group(1)


class Client:
    """A record system's HTTP client, over one connection."""

    def __init__(self, port, token=None, tls=None, seconds=ANSWER_SECONDS):
        if tls:
            self.connection = http.client.HTTPSConnection("localhost", port, context=tls, timeout=seconds)
        else:
            self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
        self.token = token

    def ask(self, method, path, body=None, **headers):
        """Headers by name with underscores: content_type="text/plain". None leaves one out."""
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        sent = {"Content-Type": JSON} if body is not None else {}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        for name, value in headers.items():
            sent[name.replace("_", "-").title()] = value
        sent = {name: value for name, value in sent.items() if value is not None}
        self.connection.request(method, path, body, sent)
        response = self.connection.getresponse()
        return Answer(response, response.read())

    def post(self, path, body, **headers):
        return self.ask("POST", path, body, **headers)

    def put(self, path, body, **headers):
        return self.ask("PUT", path, body, **headers)

    def get(self, path, **headers):
        return self.ask("GET", path, **headers)

    def delete(self, path, **headers):
        return self.ask("DELETE", path, **headers)

    def close(self):
        self.connection.close()


def is_ended(connection):
    """Whether the other end has closed a connection that does not block."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
    except BlockingIOError:
        return False


class Fhir:
    """carebus-fhir as the adapter of one source of a bus."""

    def __init__(self, bus, source="epr", token=None, **settings):
        self.bus, self.source, self.port = bus, source, free_port()
        self.process, self.clients, self.token = None, [], token
        self.log_path = bus.folder / f"fhir-{source}.log"
        self.token_path = bus.folder / f"{source}.tokens"
        if "poll" not in settings:
            settings.setdefault("listen", f"127.0.0.1:{self.port}")
        if token:
            self.write_tokens(token)
            settings["token"] = str(self.token_path)
        bus.config["sources"][source] = {"team": "ward", "adapter": "fhir", **settings}
        may_read = bus.config["teams"]["ward"]["may_read"]
        if source not in may_read:
            may_read.append(source)
        bus.write_config()

    def write_tokens(self, *tokens, mode=0o600):
        self.token_path.write_text("".join(f"{token}\n" for token in tokens), encoding="ascii")
        self.token_path.chmod(mode)

    @property
    def listens_at_all(self):
        return "listen" in self.bus.config["sources"][self.source]

    def start(self, environment=None, wrapper=(), wait=True):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*wrapper, str(CAREBUS_FHIR), "--config", str(self.bus.config_path), "--source", self.source],
                                            stderr=log, stdout=log, env={**os.environ, **(environment or {})}, start_new_session=True)
        if wait and self.listens_at_all:
            wait_for(self.listens, what="carebus-fhir to listen")
        return self

    def listens(self):
        if self.process.poll() is not None:
            raise BusError(f"carebus-fhir ended with {self.process.returncode}\n{self.log()}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def client(self, **options):
        client = Client(self.port, **{"token": self.token, **options})
        self.clients.append(client)
        return client

    def takes_a_patient(self):
        """Whether one more is taken; it may have no place for another connection just now."""
        try:
            return self.client().post("/Patient", patient()).status in (200, 201)
        except ConnectionError:
            return False

    def reload(self):
        before = self.log().count("RELOAD")
        self.process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.log().count("RELOAD") > before, what="the reload")

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def forget_log(self):
        """Begins its log anew, as the bus's forget_log() does."""
        log_rows.gather(self.bus.folder)
        self.log_path.write_text("", encoding="ascii")

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
        for client in self.clients:
            client.close()
        if self.process and self.process.poll() is None:
            self.stop()
        if FINDING.search(self.log()):
            raise BusError(f"a sanitizer found something in carebus-fhir:\n{self.log()[-8000:]}")


class Server:
    """A FHIR server that is asked: it sorts by _lastUpdated, pages, and can be told to misbehave."""

    def __init__(self, page=3, token=None, tls=None):
        self.resources = {}  # (type, id): resource
        self.asked = []      # paths with their queries
        self.page, self.token = page, token
        self.misbehave = None  # called with the handler; True: it has answered
        self.wrong_tokens = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # noqa: N802
                outer.asked.append(self.path)
                if outer.token and self.headers["Authorization"] != f"Bearer {outer.token}":
                    outer.wrong_tokens += 1
                    self.say(401, {"resourceType": "OperationOutcome", "issue": []})
                elif not (outer.misbehave and outer.misbehave(self)):
                    self.say(200, outer.search(self.path))

            def say(self, status, body, **headers):
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", JSON)
                self.send_header("Content-Length", str(len(data)))
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                with contextlib.suppress(ConnectionError):  # whoever asked may be gone
                    self.end_headers()
                    self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        if tls:
            self.http.socket = tls.wrap_socket(self.http.socket, server_side=True)
        self.scheme = "https" if tls else "http"
        self.port = self.http.server_address[1]
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}/r4"

    def put(self, resource, at, version="1"):
        made = {**resource, "meta": {"versionId": version, "lastUpdated": at}}
        self.resources[made["resourceType"], made["id"]] = made

    def search(self, path):
        url = urllib.parse.urlsplit(path)
        query = urllib.parse.parse_qs(url.query)
        kind = url.path.split("/")[-1]
        found = sorted((r for (t, _), r in self.resources.items() if t == kind), key=lambda r: r["meta"]["lastUpdated"])
        since = query.get("_lastUpdated", ["ge"])[0][2:]
        found = [r for r in found if r["meta"]["lastUpdated"][:19] >= since[:19]]
        start = int(query.get("_offset", ["0"])[0])
        answer = {"resourceType": "Bundle", "type": "searchset", "total": len(found),
                  "link": [{"relation": "self", "url": self.url + "/" + kind}],
                  "entry": [{"fullUrl": f"{self.url}/{kind}/{r['id']}", "resource": r, "search": {"mode": "match"}}
                            for r in found[start:start + self.page]]}
        if start + self.page < len(found):
            rest = urllib.parse.urlencode({"_lastUpdated": "ge" + since, "_offset": start + self.page}) if since else \
                urllib.parse.urlencode({"_offset": start + self.page})
            answer["link"].append({"relation": "next", "url": f"{self.url}/{kind}?{rest}"})
        if not answer["entry"]:
            del answer["entry"]
        return answer

    def close(self):
        self.http.shutdown()
        self.http.server_close()
