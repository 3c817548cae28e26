"""A chat in a terminal with stomp.py over WebSocket: every line typed goes to PEER. `python chat.py NAME PASSWORD PEER`"""

import hashlib
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import stomp

URL = os.environ.get("HONGYAN_URL", "http://127.0.0.1:8080")


def rest(path, body=None, token=""):
    body = body and json.dumps(body).encode()
    request = urllib.request.Request(URL + path, body, {"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        return json.load(refusal)


class Listener(stomp.ConnectionListener):
    def __init__(self, connection):
        self.connection, self.over = connection, threading.Event()

    def on_message(self, frame):
        body = json.loads(frame.body)
        if frame.headers["subscription"] == "status":
            print(body["code"], body["status"], body["content"], flush=True)
            return
        print(f"{body['sender']}: {body['content']}", flush=True)
        self.connection.send("/socket/chat/recive", json.dumps({"msgID": body["chatID"]}))  # it has arrived

    def on_error(self, frame):
        print(frame.headers["message"], frame.body, file=sys.stderr)

    def on_disconnected(self):
        self.over.set()


def main(name, password, peer):
    rest("/api/users", {"name": name, "password": password})  # makes the account, unless the name is taken
    login = rest("/api/login", {"name": name, "password": password})
    if "token" not in login:
        sys.exit(login["content"])
    place = urllib.parse.urlsplit(URL)
    path = f"{place.path}/client?srect={login['token']}"
    connection = stomp.WSStompConnection([(place.hostname, place.port or 80)], ws_path=path)
    listener = Listener(connection)
    connection.set_listener("", listener)
    connection.connect(wait=True)
    connection.subscribe("/user/queue/send/status", id="status")
    connection.subscribe(f"/user/{name}/recive", id="messages")
    connection.send("/socket/chat/init", "")  # push what came while I was away
    for line in sys.stdin:
        content = line.rstrip("\n")
        receiver = rest(f"/api/users/{urllib.parse.quote(peer, safe='')}", token=login["token"])
        if "uid" not in receiver:
            print(receiver["content"], flush=True)
            continue
        msg_id = hashlib.sha1(f"{content}{time.time_ns() // 1_000_000}".encode()).hexdigest()
        body = {"msgID": msg_id, "reciverId": receiver["uid"], "content": content}
        connection.send("/socket/chat/send", json.dumps(body))
    connection.disconnect(receipt="bye")
    listener.over.wait()


main(*sys.argv[1:])
