"""python-socketio 5 (Engine.IO 4) and 4 (Engine.IO 3), by polling and by WebSocket: logs in, sends and receives in each of the
three dialects. Which of the two it is depends on what is installed: `run` has an environment for each.
"""

import json
import queue
import unittest
import urllib.request
from importlib.metadata import version

import socketio
import stomp

from chat_test import PASSWORD, PATIENCE_S, Broker, Client

TEXT = "起来聊天 😀: a\\b"


class Connection:
    """A connection of one person: what each event brings, until a test takes it."""

    namespaces = ["/"]
    events = {}

    def __init__(self, broker, person, transport):
        self.broker = broker
        self.person = person
        self.client = socketio.Client(reconnection=False)
        self.heard = {}
        for namespace in self.namespaces:
            self._listen("connect", namespace)
        self._listen("connected", "/")
        for event, namespace in self.events.items():
            self._listen(event, namespace)
        self.client.connect("http://%s:%s" % broker.http, transports=[transport], namespaces=self.namespaces)
        for namespace in self.namespaces:
            self.take("connect", namespace)
        self.socket_id = self.take("connected", "/")["socketId"]
        self.enter()

    def _listen(self, event, namespace):
        come = self.heard[event, namespace] = queue.Queue()
        self.client.on(event, lambda *args: come.put(args[0] if args else None), namespace=namespace)

    def take(self, event, namespace):
        return self.heard[event, namespace].get(timeout=PATIENCE_S)

    def leave(self):
        self.client.disconnect()


class Rooms(Connection):
    """Seed 000."""

    namespaces = ["/", "/friend", "/group", "/server"]
    events = {"auth-s": "/", "saoff": "/", "sfmsg": "/friend"}

    def enter(self):
        self.client.emit("auth-c", {"sessionid": self.person["token"]})
        assert self.take("auth-s", "/") == {"code": 1}
        self.client.emit("caoff", {"from": self.person["uid"], "to": "server"})
        self.waited = self.take("saoff", "/")["flogs"]

    def send(self, to, text):
        message = {"id": "m-1", "from": self.person["uid"], "to": to["uid"], "sendDate": 1, "msg": text}
        self.client.emit("cfmsg", message, namespace="/friend")
        receipt = self.take("sfmsg", "/friend")
        del message["sendDate"], receipt["sendDate"]
        assert receipt == message, receipt

    def next(self):
        message = self.waited.pop(0) if self.waited else self.take("sfmsg", "/friend")
        return message["from"], message["msg"]


class Conversations(Connection):
    """Seed 001."""

    events = {"message/direct": "/"}

    def enter(self):
        log_in = {"userId": self.person["uid"], "socketId": self.socket_id}
        entered = self.client.call("logIn", {**log_in, "token": self.person["token"]}, timeout=PATIENCE_S)
        self.token = entered.pop("sessionToken")
        assert entered == log_in, entered

    def send(self, to, text):
        message = {"sessionToken": self.token, "targetIds": [to["uid"]], "type": "text", "textContent": text}
        answer = self.client.call("message/direct", message, timeout=PATIENCE_S)
        assert (answer["statusCode"], answer["body"]["sent"]) == (201, [to["uid"]]), answer

    def next(self):
        message = self.take("message/direct", "/")
        return message["from"], message["textContent"]


class Typed(Connection):
    """Seed 002: it hears by Socket.IO, and sends by REST."""

    events = {"message": "/"}

    def enter(self):
        registration = {"type": "user", "uid": self.person["uid"], "deviceid": "p", "token": self.person["token"]}
        self.client.send(json.dumps({"type": 1, "data": registration}))
        registered = json.loads(self.take("message", "/"))
        assert registered == {"type": 2, "data": {"code": 200}}, registered

    def send(self, to, text):
        post(self.broker, self.person, {"to": to["uid"], "content": text})

    def next(self):
        message = json.loads(self.take("message", "/"))
        assert message["type"] == 3, message
        return message["data"]["from"], message["data"]["content"]


def post(broker, person, message):
    request = urllib.request.Request("http://%s:%s/api/messages" % broker.http, json.dumps(message).encode(),
                                     {"Authorization": "Bearer " + person["token"]})
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 201


class Witness(Client):
    """The same person on STOMP, who is told of deliveries."""

    def destinations(self):
        yield "/user/queue/delivery/status"

    def delivered(self):
        return self.expect("/user/queue/delivery/status")["state"]


class SocketIoTest(unittest.TestCase):
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

    def connect(self, kind, person, transport):
        connection = kind(self.broker, person, transport)
        self.addCleanup(connection.leave)
        return connection

    def witness(self, person):
        connection = stomp.Connection12([self.broker.tcp])
        witness = Witness(connection, person, username=person["uname"], passcode=PASSWORD)
        self.addCleanup(witness.leave)
        return witness

    def chat(self, kind, transport):
        li, wu = self.person("li"), self.person("wu")
        witness = self.witness(li)
        one = self.connect(kind, li, transport)
        # Off line, and on line; received when the transport has proved it.
        one.send(wu, TEXT)
        two = self.connect(kind, wu, transport)
        self.assertEqual(two.next(), (li["uid"], TEXT))
        self.assertEqual(witness.delivered(), "received")
        post(self.broker, li, {"to": wu["uid"], "content": "now"})
        self.assertEqual(two.next(), (li["uid"], "now"))
        self.assertEqual(witness.delivered(), "received")
        two.send(li, "and back: 好")
        self.assertEqual(one.next(), (wu["uid"], "and back: 好"))


for kind in (Rooms, Conversations, Typed):
    for transport in ("polling", "websocket"):
        def test(self, kind=kind, transport=transport):
            self.chat(kind, transport)
        test.__doc__ = f"python-socketio {version('python-socketio')}, {transport}: {kind.__doc__}"
        setattr(SocketIoTest, f"test_{kind.__name__.lower()}_by_{transport}", test)


if __name__ == "__main__":
    unittest.main()
