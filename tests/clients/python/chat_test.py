"""Two people chat with stomp.py: STOMP 1.0, 1.1 and 1.2 over TCP, and 1.2 over WebSocket.

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
PATIENCE_S = 60  # longer than anything takes: a test that hangs should end


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
        self.call("/api/users", {"name": name, "password": "a long password"})
        return self.call("/api/login", {"name": name, "password": "a long password"})

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
        self.kind(frame.headers["destination"]).put(json.loads(frame.body))

    def on_receipt(self, frame):
        self.kind("receipt").put(frame.headers["receipt-id"])

    def on_error(self, frame):
        self.kind("error").put((frame.headers["message"], frame.body))

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
            self.connection.subscribe(destination, id=str(number), ack="auto", receipt=f"subscribed-{number}")
            self.expect("receipt")

    def destinations(self):
        yield f"/user/{self.person['uid']}/recive"
        for what in ("send/status", "recive/status", "delivery/status", "status"):
            yield f"/user/queue/{what}"

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
        self.connection.disconnect(receipt="good-bye")
        self.expect("disconnected")


class Chat(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = Broker()

    @classmethod
    def tearDownClass(cls):
        assert cls.broker.stop() == 0, "SIGTERM ends the broker with status 0"

    def people(self, way):
        return [self.broker.person(f"{name}-{way}") for name in ("li", "wu")]

    def chat(self, way, connect):
        """What every way can do: both directions, states, off line and back, the same again, another content."""
        li, wu = self.people(way)
        one, two = connect(li), connect(wu)

        msg_id = one.send(wu, "起来聊天: a\\b")
        self.assertEqual(one.expect("/user/queue/send/status")["code"], 200)
        message = two.expect(two.messages())
        self.assertEqual((message["chatID"], message["content"], message["sender"], message["reciverId"]),
                         (msg_id, "起来聊天: a\\b", li["uname"], wu["uid"]))
        two.confirm(message)
        self.assertEqual(two.expect("/user/queue/recive/status")["code"], 200)
        self.assertEqual(one.expect("/user/queue/delivery/status")["state"], "received")

        one.send(wu, "起来聊天: a\\b", msg_id)
        self.assertEqual(one.expect("/user/queue/send/status")["code"], 200)
        one.send(wu, "something else", msg_id)
        self.assertEqual(one.expect("/user/queue/send/status")["code"], 409)
        one.send({"uid": 999_999}, "anybody?")
        self.assertEqual(one.expect("/user/queue/send/status")["code"], 404)

        two.leave()
        for content in ("while", "you", "were away"):
            one.send(wu, content)
            self.assertEqual(one.expect("/user/queue/send/status")["code"], 200)
        two = connect(wu)
        two.init()
        missed = [two.expect(two.messages()) for _ in range(3)]
        self.assertEqual([message["content"] for message in missed], ["while", "you", "were away"])
        two.send(li, "here I am")
        self.assertEqual(one.expect(one.messages())["content"], "here I am")

        one.connection.subscribe(f"/user/{wu['uid']}/recive", id="theirs", ack="auto")
        word, sentence = one.expect("error")
        self.assertEqual(word, "access-denied")
        self.assertIn("another user's", sentence)
        one.expect("disconnected")
        two.leave()

    def test_websocket_1_2(self):
        def connect(person):
            connection = stomp.WSStompConnection([self.broker.http], ws_path=f"/client?srect={person['token']}")
            return Client(connection, person)

        self.chat("ws", connect)

    def tcp(self, way, connection):
        def connect(person):
            return Client(connection([self.broker.tcp], heartbeats=(10_000, 10_000)), person,
                          username=person["uname"], passcode="a long password")

        self.chat(way, connect)

    def test_tcp_1_0(self):
        def connect(person):
            return Client(stomp.Connection10([self.broker.tcp]), person,
                          username=person["uname"], passcode="a long password")

        self.chat("1-0", connect)

    def test_tcp_1_1(self):
        self.tcp("1-1", stomp.Connection11)

    def test_tcp_1_2(self):
        self.tcp("1-2", stomp.Connection12)

    def test_a_wrong_password_is_refused(self):
        (li, _) = self.people("wrong")
        connection = stomp.Connection12([self.broker.tcp])
        listener = Listener()
        connection.set_listener("", listener)
        with self.assertRaises(stomp.exception.ConnectFailedException):
            connection.connect(li["uname"], "not the password", wait=True)
        self.assertEqual(listener.kind("error").get(timeout=PATIENCE_S)[0], "access-refused")


if __name__ == "__main__":
    unittest.main()
