// What gateways are told besides messages, each in its own words: who is here, who asks for friendship, what happens in
// groups, what an operator's server pushes, and why a message was refused. Some have no words for some of it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Broker } from "./broker.mjs";
import { conversations, gateways, packets, rest, rooms, stomp, typed } from "./gateways/index.mjs";
import { NotSent } from "./gateways/refused.mjs";
import { befriend, unused } from "./people.mjs";

const API_KEY = "the-key-of-an-operator";

let broker;

before(async () => {
  broker = await Broker.start({ options: ["--api-key", API_KEY] });
});

after(() => broker.remove());

/** Makes users, and connects them until the test is over. */
const people = (t, broker) => ({
  user: (name) => broker.newUser(name),
  async join(gateway, user) {
    const connection = await gateway.connect({ broker, user });
    t.after(() => connection.leave());
    return connection;
  },
});

/** A REST call that must be answered so. */
async function done(status, method, path, body, token) {
  const answer = await broker.ask(method, path, body, token);
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  return answer.body;
}

/** Everything but the moments, which nobody knows before. */
const timeless = ({ time, datetime, Date: date, ...rest }) => {
  const moment = time ?? datetime ?? date;
  if (moment !== undefined) assert(Number.isSafeInteger(moment) && moment > 1_500_000_000_000, `a time, not ${moment}`);
  return rest.data && typeof rest.data === "object" ? { ...rest, data: timeless(rest.data) } : rest;
};

/** Those that are told something without asking. */
const talking = gateways.filter((gateway) => gateway !== rest);

describe("presence", { concurrency: 2 }, () => {
  for (const gateway of talking) {
    test(`friends are told when somebody comes and goes by ${gateway.name}, and not of a reconnect`, async (t) => {
      const { user, join } = people(t, broker);
      const [wu, jun, li, ww] = await Promise.all(["wu", "jun", "li", "ww"].map(user));
      for (const friend of [li, ww]) for (const other of [wu, jun]) await befriend(broker, friend, other);
      const [onStomp, onRooms] = [await join(stomp, li), await join(rooms, ww)];
      const asking = await join(packets, li);
      const told = async (who, online) => {
        assert.deepEqual(timeless(await onStomp.notices.next()), {
          event: "presence",
          uid: who.uid,
          uname: who.uname,
          online,
        });
        const event = online ? "/friend sfonline" : "/friend sfoffline";
        assert.deepEqual(timeless(await onRooms.notices.next()), { event, id: who.uid });
        const answer = await asking.ask("O", 0, who.uid);
        assert.deepEqual(answer.msg, { id: who.uid, online });
        const shown = await done(200, "GET", `/api/users/${who.uid}`, undefined, li.token);
        assert.deepEqual(shown, { uid: who.uid, uname: who.uname, online });
      };

      const first = await gateway.connect({ broker, user: wu });
      await told(wu, true);
      const other = await gateway.connect({ broker, user: jun });
      await told(jun, true);
      // Had this been told, it would have been before the other's leave.
      await first.leave();
      const back = await gateway.connect({ broker, user: wu });
      await other.leave();
      await told(jun, false);
      await back.leave();
      await told(wu, false);
    });
  }
});

describe("friends", { concurrency: 2 }, () => {
  /** What a gateway says when `from` asks `to`, to both; when that is answered, to both; and when `from` ends it. */
  const forms = {
    [stomp.name]: ({ id, from, to }) => {
      const said = { event: "friend", id, from: from.uname, to: to.uname, fromId: from.uid, toId: to.uid };
      const { id: _, ...ended } = said;
      return {
        asked: [{ ...said, type: "request", msg: "hello" }],
        asking: [{ ...said, type: "request", msg: "hello" }],
        accepted: [{ ...said, type: "accepted", msg: "hello" }],
        accepting: [{ ...said, type: "accepted", msg: "hello" }],
        left: [{ ...ended, type: "deleted" }],
      };
    },
    [rooms.name]: ({ id, from, to, time }) => {
      const said = { from: from.uid, to: to.uid };
      return {
        asked: [{ event: "/friend addfriend", _id: `${id}`, ...said, type: "addfriend", msg: "hello" }],
        asking: [],
        accepted: [
          { event: "/server news", info: "info", msg: `${to.uname} (${to.uid}) accepted your friend request` },
        ],
        accepting: [],
        left: [{ event: "/friend deletefriend", _id: time, ...said, type: "deletefriend", msg: "" }],
      };
    },
    [typed.name]: ({ id, from, to }) => ({
      asked: [{ event: 10, data: { id, from: from.uid, fromName: from.uname, to: to.uid, msg: "hello" } }],
      asking: [],
      accepted: [],
      accepting: [],
      left: [],
    }),
    [conversations.name]: () => ({ asked: [], asking: [], accepted: [], accepting: [], left: [] }),
    [packets.name]: () => ({ asked: [], asking: [], accepted: [], accepting: [], left: [] }),
  };

  for (const gateway of talking) {
    test(`a request, its answer and the end are told by ${gateway.name}`, async (t) => {
      const { user, join } = people(t, broker);
      const [li, wu, ww] = await Promise.all(["li", "wu", "ww"].map(user));
      // Packets are for friends only.
      await befriend(broker, ww, li);
      await befriend(broker, ww, wu);
      const [asking, asked] = [await join(gateway, li), await join(gateway, wu)];
      const sender = await join(stomp, ww);
      /** What came until now: a message is told after all that happened before it, on the same connection. */
      const heard = async (connection, who) => {
        await sender.send(who, "the sentinel");
        assert.equal((await connection.inbox.next()).text, "the sentinel");
        const count = connection.notices.length;
        const came = await connection.notices.take(count);
        return came.map(timeless).filter(({ event }) => !presence.includes(event));
      };
      // Who comes and goes is another test's.
      const presence = ["presence", "/friend sfonline", "/friend sfoffline"];
      assert.deepEqual([await heard(asking, li), await heard(asked, wu)], [[], []]);

      const { id } = await done(201, "POST", "/api/friends/requests", { to: wu.uid, msg: "hello" }, li.token);
      const form = forms[gateway.name]({ id, from: li, to: wu });
      assert.deepEqual(await heard(asked, wu), form.asked);
      assert.deepEqual(await heard(asking, li), form.asking);
      await done(200, "POST", `/api/friends/requests/${id}/accept`, undefined, wu.token);
      assert.deepEqual(await heard(asking, li), form.accepted);
      assert.deepEqual(await heard(asked, wu), form.accepting);
      await done(204, "DELETE", `/api/friends/${wu.uid}`, undefined, li.token);
      const ended = await heard(asked, wu);
      // The end has an id that nobody knows before.
      assert.deepEqual(ended, forms[gateway.name]({ id, from: li, to: wu, time: ended[0]?._id }).left);
    });
  }
});

describe("groups", { concurrency: 2 }, () => {
  /** What a gateway tells a member when `by` makes the group, and when `who` comes, and goes. */
  const forms = {
    [stomp.name]: ({ gid, by, who }) => {
      const said = { event: "group", groupId: gid, name: "geese" };
      const one = { users: [{ uid: who.uid, uname: who.uname }], count: 1, by: who.uname, byId: who.uid };
      return {
        made: [{ ...said, type: "made", by: by.uname, byId: by.uid, users: [], count: 0 }],
        came: [{ ...said, type: "join", ...one }],
        went: [{ ...said, type: "exit", ...one }],
      };
    },
    [rooms.name]: ({ gid, by, who }) => {
      const said = (what, from) => [{ event: `/group ${what}`, from: from.uid, to: gid, type: what, msg: "geese" }];
      return { made: said("joingroup", by), came: said("joingroup", who), went: said("exitgroup", who) };
    },
    [typed.name]: ({ gid, by, who }) => {
      const said = (event, { uid, uname }) => [
        { event, data: { group: gid, groupName: "geese", members: [{ uid, uname }], by: uid } },
      ];
      return { made: said(16, by), came: said(16, who), went: said(17, who) };
    },
    [conversations.name]: () => ({ made: [], came: [], went: [] }),
    [packets.name]: () => ({ made: [], came: [], went: [] }),
  };

  for (const gateway of talking) {
    test(`who makes one, comes and goes is told by ${gateway.name}`, async (t) => {
      const { user, join } = people(t, broker);
      const [li, wu, jun] = await Promise.all(["li", "wu", "jun"].map(user));
      const member = await join(gateway, wu);
      const { gid } = await done(201, "POST", "/api/groups", { name: "geese", members: [wu.uid] }, li.token);
      const heard = async () => {
        const text = unused("the sentinel");
        await done(201, "POST", "/api/messages", { group: gid, content: text }, li.token);
        assert.equal((await member.inbox.next()).text, text);
        const came = await member.notices.take(member.notices.length);
        return came.map(({ _id, ...told }) => timeless(told));
      };
      const form = forms[gateway.name]({ gid, by: li, who: jun });
      assert.deepEqual(await heard(), form.made);
      await done(200, "POST", `/api/groups/${gid}/members`, { uid: jun.uid }, jun.token);
      assert.deepEqual(await heard(), form.came);
      await done(204, "DELETE", `/api/groups/${gid}/members/${jun.uid}`, undefined, jun.token);
      assert.deepEqual(await heard(), form.went);
    });
  }
});

describe("what an operator's server pushes", { concurrency: 2 }, () => {
  const data = { text: "签到 😀", at: 1.5, of: [null, { a: true }] };
  const content = JSON.stringify(data);
  /** What came of a push of type 4, less its ids and times. */
  const forms = {
    [stomp.name]: async ({ inbox }, { uid, uname }) => {
      const { whole } = await inbox.next();
      const { id, chatID, ...rest } = timeless(whole);
      const type = "S2C_SIGNED_PUSH";
      assert.deepEqual(rest, { sender: "", senderId: 0, reciver: uname, reciverId: uid, content, type });
    },
    [rooms.name]: async ({ notices }) => {
      const { id, date, ...rest } = await notices.next();
      assert.deepEqual(rest, { event: "/server news", info: "info", msg: content, type: 4, data });
    },
    [conversations.name]: async ({ notices }, { uid }) => {
      const { id, ...rest } = await notices.next();
      const said = { targetIds: [uid], type: "S2C_SIGNED_PUSH", pushType: 4, textContent: content };
      assert.deepEqual(rest, { event: "message/direct", from: 0, ...said });
    },
    [typed.name]: async ({ notices }) => assert.deepEqual(await notices.next(), { event: 4, data }),
    [packets.name]: async ({ notices }) => {
      const { id, ...rest } = await notices.next();
      assert.deepEqual(rest, { event: "s", from: 0, type: "s", msg: { type: 4, data } });
    },
    [rest.name]: async ({ inbox }) => {
      const { whole } = await inbox.next();
      assert.deepEqual([whole.senderId, whole.content, whole.type], [0, content, "S2C_SIGNED_PUSH"]);
    },
  };

  const push = async (user, type) => {
    const pushed = await broker.askWithKey("POST", "/api/push", { uid: user.uid, type, data }, API_KEY);
    assert.equal(pushed.status, 201, JSON.stringify(pushed.body));
  };

  for (const gateway of gateways) {
    test(`comes by ${gateway.name}, on line and off line`, async (t) => {
      const { user, join } = people(t, broker);
      const [li, wu] = await Promise.all(["li", "wu"].map(user));
      await befriend(broker, li, wu);
      const sender = await join(stomp, li);
      await push(wu, 4);
      const there = await join(gateway, wu);
      const came = forms[gateway.name];
      await came(there, wu);
      await push(wu, "S2C_SIGNED_PUSH");
      await came(there, wu);
      // What is received after it proves that it was, too.
      await sender.send(wu, "the sentinel");
      assert.equal((await there.inbox.next()).text, "the sentinel");
      await sender.deliveries.next();
      assert.deepEqual(await done(200, "GET", "/api/inbox", undefined, wu.token), { messages: [], more: false });
    });
  }

  test("every type comes by seed 002 as it was pushed", async (t) => {
    const { user, join } = people(t, broker);
    const wu = await user("wu");
    const there = await join(typed, wu);
    for (let type = 3; type <= 19; type += 1) {
      // That another device is here the broker alone says.
      if (type === 12) continue;
      await push(wu, type);
      assert.deepEqual(await there.notices.next(), { event: type, data });
    }
  });
});

describe("a message that is refused", { concurrency: 2 }, () => {
  const sentences = {
    blocked: "this user wants to hear nothing of you",
    strangers: "you are not friends; ask for friendship first",
    outside: "you are not a member of this group; join it first",
  };
  /** What a gateway says. */
  const forms = {
    [stomp.name]: (told, content) => ({ msgID: told.msgID, code: 403, status: "被拒绝", content }),
    [rooms.name]: (told, msg) => ({ info: "error", msg, code: 403, id: told.id }),
    [conversations.name]: (_, error) => ({ statusCode: 403, body: { error } }),
    [typed.name]: (_, content) => ({ code: 403, status: "被拒绝", content }),
    [packets.name]: (told, msg) => ({ id: told.id, from: 0, type: "E", msg }),
    [rest.name]: (_, content) => ({ code: 403, status: "被拒绝", content }),
  };

  let amongFriends;
  before(async () => {
    amongFriends = await Broker.start({ options: ["--friends-only"] });
  });
  after(() => amongFriends.remove());

  for (const gateway of gateways) {
    const refused = async (sending, sentence) => {
      const failed = await sending.then(
        () => assert.fail("it was sent"),
        (error) => error,
      );
      if (!(failed instanceof NotSent)) throw failed;
      assert.deepEqual(failed.told, forms[gateway.name](failed.told, sentence));
    };
    const nothingCame = async (broker, user) => {
      const { body } = await broker.ask("GET", "/api/inbox", undefined, user.token);
      assert.deepEqual(body, { messages: [], more: false });
    };

    test(`is told by ${gateway.name}`, async (t) => {
      const { user, join } = people(t, broker);
      const [li, wu, jun] = await Promise.all(["li", "wu", "jun"].map(user));
      await befriend(broker, li, wu);
      const sender = await join(gateway, li);
      await sender.send(wu, "heard");
      await done(204, "PUT", `/api/blocks/${li.uid}`, undefined, wu.token);
      await refused(sender.send(wu, "not to be heard"), sentences.blocked);
      // To block ends a friendship, without which nobody writes by packets.
      await done(204, "DELETE", `/api/blocks/${li.uid}`, undefined, wu.token);
      await befriend(broker, li, wu);
      await sender.send(wu, "heard again");
      const { messages } = await done(200, "GET", "/api/inbox", undefined, wu.token);
      assert.deepEqual(messages.map(({ content }) => content), ["heard", "heard again"]);
      if (!gateway.groups) return;
      const { gid } = await done(201, "POST", "/api/groups", { name: "geese", members: [wu.uid] }, jun.token);
      await refused(sender.sendGroup(gid, "from outside"), sentences.outside);
    });

    test(`is told by ${gateway.name} to strangers where only friends may write`, async (t) => {
      const { user, join } = people(t, amongFriends);
      const [li, wu] = await Promise.all(["li", "wu"].map(user));
      const sender = await join(gateway, li);
      await refused(sender.send(wu, "a stranger's"), sentences.strangers);
      // Nobody learns who is there.
      await refused(sender.send({ uid: 999_999 }, "to nobody"), sentences.strangers);
      await nothingCame(amongFriends, wu);
      await befriend(amongFriends, li, wu);
      await sender.send(wu, "a friend's");
    });
  }

  test("strangers may not write by packets anywhere", async (t) => {
    const { user, join } = people(t, broker);
    const [li, wu] = await Promise.all(["li", "wu"].map(user));
    const sender = await join(packets, li);
    await assert.rejects(sender.send(wu, "a stranger's"), (error) => error.told.msg === sentences.strangers);
  });
});
