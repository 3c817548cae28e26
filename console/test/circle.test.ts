import { beforeEach, expect, test } from "vitest";
import { Circle } from "../src/model/circle";
import { me, other } from "./support";

const request = (id: number, from: number, to: number) => {
  return { id, from: `n${from}`, to: `n${to}`, fromId: from, toId: to, msg: "", time: 1 };
};
let circle: Circle;

beforeEach(() => {
  circle = new Circle(me.uid);
  circle.setFriends({
    friends: [{ ...other, online: false }],
    requests: [request(1, 8, me.uid)],
    asking: [request(2, me.uid, 9)],
  });
});

test("two are friends, or one has asked the other, or neither", () => {
  expect([other.uid, 8, 9, 10].map((uid) => circle.bondWith(uid))).toEqual(["friend", "asking", "asked", "none"]);
  expect(circle.requestOf(8)?.id).toBe(1);
});

test("presence is that of friends only", () => {
  circle.presence(other.uid, true);
  circle.presence(8, true);
  expect([other.uid, 8].map((uid) => circle.isHere(uid))).toEqual([true, null]);
  circle.presence(other.uid, false);
  expect(circle.isHere(other.uid)).toBe(false);
});

test("a friendship that ended leaves nothing but the name", () => {
  circle.setFriends({ friends: [], requests: [], asking: [] });
  expect(circle.bondWith(other.uid)).toBe("none");
  expect(circle.isHere(other.uid)).toBeNull();
  expect(circle.nameOf(other.uid)).toBe(other.uname);
});

test("groups that are no longer ours are told, with their members forgotten", () => {
  const flock = { gid: 7, name: "flock", admin: [1], members: [me.uid, 1] };
  circle.setGroup(flock);
  expect(circle.isMember(7)).toBe(true);
  expect(circle.setGroups([{ gid: 8, name: "pair" }])).toEqual([{ gid: 7, name: "flock" }]);
  expect(circle.group(7)).toBeUndefined();
  expect(circle.groups).toEqual([{ gid: 8, name: "pair" }]);
});

test("a group that is shown after one has left it is none of ours", () => {
  circle.setGroup({ gid: 7, name: "flock", admin: [], members: [1] });
  expect(circle.isMember(7)).toBe(false);
});
