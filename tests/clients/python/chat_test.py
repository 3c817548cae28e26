"""stomp.py, each way that it can: STOMP 1.0, 1.1 and 1.2 over TCP, and 1.2 over WebSocket.

`tests/clients/run` installs what this needs. By hand: `HONGYAN_BIN=target/debug/hongyan python -m unittest -v chat_test`
in this folder.
"""

import hashlib
import json
import os
import pathlib
import queue
import re
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

import stomp

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = os.environ.get("HONGYAN_BIN", ROOT / "target" / "debug" / "hongyan")
RESULTS = os.environ.get("HONGYAN_CLIENTS_RESULTS")  # see results.mjs
PATIENCE_S = 60  # longer than anything takes: a test that hangs should end
PASSWORD = "a long password"
BEAT_MS = 1_000  # as short as the broker agrees to


class Broker:
    """The broker as a process, with its data in a folder of its own."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        command = [BINARY, "serve", "--listen", "127.0.0.1:0", "--stomp-listen", "127.0.0.1:0",
                   "--data", self.folder.name + "/data", "--log", "warn"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.http = self._address(r"listening on http://(\S+)")
        self.tcp = self._address(r"listening on stomp://(\S+)")

    def _address(self, pattern):
        for line in self.process.stdout:
            found = re.match(pattern, line)
            if found:
                host, port = found[1].rsplit(":", 1)
                return host, int(port)
        raise AssertionError("the broker does not say where it listens")

    def call(self, path, body):
        request = urllib.request.Request(f"http://{self.http[0]}:{self.http[1]}{path}", json.dumps(body).encode())
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def person(self, name):
        """A user with a token."""
        self.call("/api/users", {"name": name, "password": PASSWORD})
        return self.call("/api/login", {"name": name, "password": PASSWORD})

    def stop(self):
        self.process.terminate()
        status = self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        self.folder.cleanup()
        return status


class Listener(stomp.ConnectionListener):
    """Keeps what comes, by kind, until a test takes it."""

    def __init__(self):
        self.kinds = {}

    def kind(self, name):
        return self.kinds.setdefault(name, queue.Queue())

    def on_message(self, frame):
        destination = frame.headers["destination"]
        self.kind(destination).put(json.loads(frame.body) if destination.startswith("/user/") else frame)

    def on_receipt(self, frame):
        self.kind("receipt").put(frame.headers["receipt-id"])

    def on_error(self, frame):
        self.kind("error").put(frame)

    def on_heartbeat(self):
        self.kind("beat of the broker").put(True)

    def on_send(self, frame):
        if frame.cmd is None:
            self.kind("beat of ours").put(True)

    def on_disconnected(self):
        self.kind("disconnected").put(True)


class Client:
    """One connection of one person."""

    def __init__(self, connection, person, **connect):
        self.person = person
        self.listener = Listener()
        self.connection = connection
        self.connection.set_listener("", self.listener)
        self.connection.connect(wait=True, **connect)
        for number, destination in enumerate(self.destinations()):
            self.subscribe(destination, str(number))

    def destinations(self):
        yield f"/user/{self.person['uid']}/recive"
        for what in ("send/status", "recive/status", "delivery/status", "status"):
            yield f"/user/queue/{what}"

    def subscribe(self, destination, number, **headers):
        self.connection.subscribe(destination, id=number, receipt=f"subscribed-{number}", **{"ack": "auto", **headers})
        assert self.expect("receipt") == f"subscribed-{number}"

    def unsubscribe(self, number):
        self.connection.unsubscribe(id=number, receipt="unsubscribed")
        assert self.expect("receipt") == "unsubscribed"

    def put(self, destination, body):
        """Sends to a topic or a queue, and waits until that is done."""
        self.connection.send(destination, body, receipt="put")
        assert self.expect("receipt") == "put"

    def expect(self, kind):
        return self.listener.kind(kind).get(timeout=PATIENCE_S)

    def messages(self):
        return f"/user/{self.person['uid']}/recive"

    def send(self, to, content, msg_id=None):
        msg_id = msg_id or hashlib.sha1(f"{content} {self.person['uid']} {id(self)}".encode()).hexdigest()
        body = json.dumps({"msgID": msg_id, "reciverId": to["uid"], "content": content})
        self.connection.send("/socket/chat/send", body)
        return msg_id

    def confirm(self, message):
        self.connection.send("/socket/chat/recive", json.dumps({"msgID": message["chatID"]}))

    def init(self):
        self.connection.send("/socket/chat/init", "")

    def leave(self):
        """Unless it has left, or was shown the door."""
        if not self.connection.is_connected():
            return
        self.connection.disconnect(receipt="good-bye")
        self.expect("disconnected")


class Way:
    """What every way of connecting can do."""

    transport = "TCP"

    def open(self, person, **options):
        """A connection that is not connected yet, and what connect() takes."""
        return self.kind([self.broker.tcp], **options), {"username": person["uname"], "passcode": PASSWORD}

    def wrong(self, person):
        """The same for somebody who must not come in."""
        return self.kind([self.broker.tcp]), {"username": person["uname"], "passcode": "not the password"}

    def id_for_ack(self, headers):
        return {"id": headers["ack"]}

    @classmethod
    def setUpClass(cls):
        cls.broker = Broker()
        cls.made = 0

    @classmethod
    def tearDownClass(cls):
        assert cls.broker.stop() == 0, "SIGTERM ends the broker with status 0"

    def person(self, name):
        type(self).made += 1
        return self.broker.person(f"{name}-{self.made}")

    def connect(self, person, **options):
        connection, connect = self.open(person, **options)
        client = Client(connection, person, **connect)
        self.addCleanup(client.leave)
        return client

    def pair(self):
        return [self.connect(self.person(name)) for name in ("li", "wu")]

    def proved(self, *features):
        """To be said last in a test."""
        if RESULTS:
            os.makedirs(RESULTS, exist_ok=True)
            row = {"runtime": "Python", "client": f"stomp.py {stomp.__version__}", "transport": self.transport,
                   "stomp": self.version}
            with open(pathlib.Path(RESULTS, "python.jsonl"), "a", encoding="utf-8") as results:
                results.writelines(json.dumps({**row, "feature": feature}) + "\n" for feature in features)

    def test_chat_both_ways(self):
        one, two = self.pair()
        msg_id = one.send(two.person, "起来聊天: a\\b")
        self.assertEqual(one.expect("/user/queue/send/status")["code"], 200)
        message = two.expect(two.messages())
        self.assertEqual((message["chatID"], message["content"], message["sender"], message["reciverId"]),
                         (msg_id, "起来聊天: a\\b", one.person["uname"], two.person["uid"]))
        two.confirm(message)
        self.assertEqual(two.expect("/user/queue/recive/status")["code"], 200)
        self.assertEqual(one.expect("/user/queue/delivery/status")["state"], "received")
        two.send(one.person, "and back")
        self.assertEqual(one.expect(one.messages())["content"], "and back")

        one.send(two.person, "起来聊天: a\\b", msg_id)
        self.assertEqual(one.expect("/user/queue/send/status")["code"], 200)
        one.send(two.person, "something else", msg_id)
        self.assertEqual(one.expect("/user/queue/send/status")["code"], 409)
        one.send({"uid": 999_999}, "anybody?")
        self.assertEqual(one.expect("/user/queue/send/status")["code"], 404)
        self.proved("chats", "confirms")

    def test_off_line_and_back(self):
        one, two = self.pair()
        two.leave()
        for content in ("while", "you", "were away"):
            one.send(two.person, content)
            self.assertEqual(one.expect("/user/queue/send/status")["code"], 200)
        two = self.connect(two.person)
        two.init()
        missed = [two.expect(two.messages()) for _ in range(3)]
        self.assertEqual([message["content"] for message in missed], ["while", "you", "were away"])
        two.send(one.person, "here I am")
        self.assertEqual(one.expect(one.messages())["content"], "here I am")
        self.proved("returns")

    def test_any_words(self):
        one, two = self.pair()
        words = ["", "   ", "\0 \\ \" \n\r\n a:b\\n\\c", "鸿雁", "é \u2028", "雁" * 20_000, "🪿 👩‍👩‍👧"]
        for word in words:
            one.send(two.person, word)
            self.assertEqual(one.expect("/user/queue/send/status")["code"], 200)
        self.assertEqual([two.expect(two.messages())["content"] for _ in words], words)
        self.proved("text")

    def test_topic(self):
        one, two = self.pair()
        one.put("/topic/news/sport", "too early")
        one.subscribe("/topic/news/sport", "name")
        two.subscribe("/topic/news/*", "pattern")
        two.put("/topic/news/sport", "a goal 🪿")
        for client, destination in ((one, "/topic/news/sport"), (two, "/topic/news/*")):
            frame = client.expect(destination)
            self.assertEqual((frame.body, frame.headers["topic"]), ("a goal 🪿", "/topic/news/sport"))
        self.proved("topic")

    def test_queue(self):
        one, two = self.pair()
        one.put("/queue/jobs", "one")
        one.put("/queue/jobs", "two")
        two.subscribe("/queue/jobs", "jobs")
        self.assertEqual([two.expect("/queue/jobs").body for _ in range(2)], ["one", "two"])
        two.unsubscribe("jobs")
        two.put("/queue/jobs", "three")
        one.subscribe("/queue/jobs", "jobs")
        frame = one.expect("/queue/jobs")
        self.assertEqual((frame.body, frame.headers.get("redelivered")), ("three", None))
        self.proved("queue", "receipts")

    def test_ack(self):
        one, two = self.pair()
        one.subscribe("/queue/acks", "first", ack="client-individual")
        for body in ("one", "two", "three"):
            two.put("/queue/acks", body)
        frames = [one.expect("/queue/acks") for _ in range(3)]
        one.connection.ack(**self.id_for_ack(frames[1].headers))
        one.leave()
        two.subscribe("/queue/acks", "next", ack="client-individual")
        again = [two.expect("/queue/acks") for _ in range(2)]
        self.assertEqual([(frame.body, frame.headers["redelivered"]) for frame in again],
                         [("one", "true"), ("three", "true")])
        self.proved("ack")

    def test_transaction(self):
        one, two = self.pair()
        for body, end in (("dropped", one.connection.abort), ("kept", one.connection.commit)):
            transaction = one.connection.begin()
            one.connection.send("/queue/changes", body, transaction=transaction)
            end(transaction, receipt="ended")
            self.assertEqual(one.expect("receipt"), "ended")
        two.subscribe("/queue/changes", "changes")
        self.assertEqual(two.expect("/queue/changes").body, "kept")
        self.proved("transaction")

    def test_error(self):
        one, two = self.pair()
        one.connection.subscribe(f"/user/{two.person['uid']}/recive", id="theirs", ack="auto")
        error = one.expect("error")
        self.assertEqual(error.headers["message"], "access-denied")
        self.assertIn("another user's", error.body)
        one.expect("disconnected")
        two.connection.send("/topic/*", "to many", receipt="which")
        error = two.expect("error")
        self.assertEqual((error.headers["message"], error.headers["receipt-id"]), ("unknown-destination", "which"))
        two.expect("disconnected")
        self.proved("error")

    def test_refused(self):
        connection, connect = self.wrong(self.person("li"))
        listener = Listener()
        connection.set_listener("", listener)
        with self.assertRaises(stomp.exception.ConnectFailedException):
            connection.connect(wait=True, **connect)
        if connect:
            self.assertEqual(listener.kind("error").get(timeout=PATIENCE_S).headers["message"], "access-refused")
        self.proved("refused")


class WithBeatsAndNacks(Way):
    """What there is since STOMP 1.1."""

    own_beats = 2

    def test_heart_beats(self):
        person = self.person("li")
        one = self.connect(person, heartbeats=(BEAT_MS, BEAT_MS))
        for kind in 4 * ["beat of the broker"] + self.own_beats * ["beat of ours"]:
            one.expect(kind)
        one.send(person, "still here")
        self.assertEqual(one.expect(one.messages())["content"], "still here")
        self.proved("beats")

    def test_nack(self):
        one = self.connect(self.person("li"))
        one.subscribe("/queue/nacks", "jobs", ack="client-individual", **{"prefetch-count": "1"})
        for body in ("one", "two"):
            one.put("/queue/nacks", body)
        first = one.expect("/queue/nacks")
        self.assertEqual((first.body, first.headers.get("redelivered")), ("one", None))
        one.connection.nack(**self.id_for_ack(first.headers))
        again = one.expect("/queue/nacks")
        self.assertEqual((again.body, again.headers["redelivered"]), ("one", "true"))
        one.connection.ack(**self.id_for_ack(again.headers))
        self.assertEqual(one.expect("/queue/nacks").body, "two")
        self.proved("nack")


class Tcp10(Way, unittest.TestCase):
    version = "1.0"
    kind = stomp.Connection10

    def id_for_ack(self, headers):
        return {"id": headers["message-id"]}


class Tcp11(WithBeatsAndNacks, unittest.TestCase):
    version = "1.1"
    kind = stomp.Connection11

    def id_for_ack(self, headers):
        return {"id": headers["message-id"], "subscription": headers["subscription"]}


class Tcp12(WithBeatsAndNacks, unittest.TestCase):
    version = "1.2"
    kind = stomp.Connection12


class WebSocket(WithBeatsAndNacks, unittest.TestCase):
    version = "1.2"
    transport = "WebSocket"
    own_beats = 0  # it sends an Origin, as browsers do, and they are asked for few: nobody waits for those

    def open(self, person, **options):
        path = f"/client?srect={person['token']}"
        return stomp.WSStompConnection([self.broker.http], ws_path=path, **options), {}

    def wrong(self, person):
        return self.open({"token": "not.a.token"}, reconnect_attempts_max=1)


if __name__ == "__main__":
    unittest.main()
