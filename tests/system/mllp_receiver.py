"""A receiver of HL7 v2 over MLLP that does what it is told, message by message, however wrong.

`say` decides: it is given what came (a Message) and returns what to do, one of the words below, a list of them, or bytes that are sent as
they are.

    AA AE AR CA CE CR ...   that acknowledgement, in a frame
    twice                   AA, and the same again
    foreign                 AA for another message, nothing for this one
    foreign-first           AA for another message, then AA
    late                    nothing now; AA as soon as the next message is there, before its own
    stall                   nothing at all
    vanish                  closes without a word
    vanish-after            AA, and closes
    half                    half of the frame of AA, and closes
    pieces                  AA, byte by byte
    garbage                 a frame that is no HL7
    noise                   bytes between frames, then AA
    no-msa                  an HL7 message without MSA
"""

import collections
import re
import socket
import ssl
import threading
import time

START, END = b"\x0b", b"\x1c\r"


class Message:
    def __init__(self, data, number):
        self.data, self.number = data, number
        self.text = data.decode("utf-8", errors="replace")
        self.segments = [line for line in self.text.split("\r") if line]
        msh = self.fields("MSH")
        self.id = msh[9] if len(msh) > 9 else ""
        self.type = "^".join(msh[8].split("^")[:2]) if len(msh) > 8 else ""

    def fields(self, name, number=1):
        found = [line for line in self.segments if line.startswith(name)]
        return found[number - 1].split("|") if len(found) >= number else []

    def value(self, name, field):
        fields = self.fields(name)
        return fields[field] if len(fields) > field else ""

    @property
    def local_id(self):
        return self.value("PID", 3).split("^")[0]

    @property
    def stay(self):
        return self.value("PV1", 19).split("^")[0]


def acknowledgement(code, message_id):
    return f"MSH|^~\\&|PAS|RA9|CAREBUS|N|20261101||ACK|R1|T|2.4\rMSA|{code}|{message_id}\r".encode()


def framed(data):
    return START + data + END


class Receiver:
    def __init__(self, port=0, say=lambda message: "AA", tls=None):
        self.say, self.tls = say, tls
        self.seen, self.credited = [], collections.OrderedDict()
        self.connections, self.port, self.errors = 0, port, []
        self.listener, self.late = None, []
        self.lock = threading.Lock()

    def start(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        self.listener.listen(16)
        self.open = []
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()
        return self

    def stop(self):
        """Down: nobody listens, and who was connected is cut off."""
        listener, self.listener = self.listener, None
        if listener:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            buffer = b""
            while True:
                piece = connection.recv(65536)
                if not piece:
                    return
                buffer += piece
                while END in buffer:
                    frame, buffer = buffer.split(END, 1)
                    if not frame.startswith(START):
                        self.errors.append(frame[:40])
                    if not self._take(connection, frame[1:]):
                        return
        except (OSError, ssl.SSLError):
            return
        finally:
            connection.close()

    def _take(self, connection, data):
        with self.lock:
            message = Message(data, len(self.seen))
            self.seen.append(message)
        said = self.say(message)
        for late in self.late:
            connection.sendall(late)
        self.late.clear()
        return all(self._do(connection, message, word) for word in (said if isinstance(said, list) else [said]))

    def _credit(self, message):
        with self.lock:
            self.credited.setdefault(message.id, message)

    def _do(self, connection, message, word):
        """False: the connection is over."""
        good = framed(acknowledgement("AA", message.id))
        other = framed(acknowledgement("AA", "OTHER" + message.id[5:]))
        if isinstance(word, bytes):
            connection.sendall(word)
        elif re.fullmatch("[AC][A-Z]", word):
            if word in ("AA", "CA"):
                self._credit(message)
            connection.sendall(framed(acknowledgement(word, message.id)))
        elif word == "pieces":
            self._credit(message)
            for i in range(len(good)):
                connection.sendall(good[i:i + 1])
                time.sleep(0.001)
        elif word == "late":
            self.late.append(good)
        elif word == "half":
            connection.sendall(good[:len(good) // 2])
            return False
        elif word == "vanish":
            return False
        elif word != "stall":
            if word in ("twice", "foreign-first", "noise", "vanish-after"):
                self._credit(message)
            connection.sendall({"twice": good + good, "foreign": other, "foreign-first": other + good, "garbage": framed(b"\x02nothing"),
                                "noise": b"hello\r\n\0" + good, "vanish-after": good,
                                "no-msa": framed(b"MSH|^~\\&|A|B|C|D|20261101||ACK|1|T|2.4\r")}[word])
            return word != "vanish-after"
        return True

    def ids(self, local_id=None):
        """What was credited, in order."""
        with self.lock:
            return [m.id for m in self.credited.values() if local_id is None or m.local_id == local_id]

    def stays(self, local_id=None):
        with self.lock:
            return [m.stay for m in self.credited.values() if local_id is None or m.local_id == local_id]

    def tries(self, stay):
        with self.lock:
            return [m for m in self.seen if m.stay == stay]
