import { expect, test } from "vitest";
import { Again } from "../src/society";

test("what is asked for while it is under way is done once more, for all who asked", async () => {
  const ends: (() => void)[] = [];
  const again = new Again(() => new Promise((resolve) => ends.push(resolve)));
  const first = again.run();
  const [second, third] = [again.run(), again.run()];
  expect(ends).toHaveLength(1);
  ends[0]!();
  await first;
  await Promise.resolve();
  expect(ends).toHaveLength(2);
  ends[1]!();
  await Promise.all([second, third]);
  const fourth = again.run();
  expect(ends).toHaveLength(3);
  ends[2]!();
  await fourth;
});

test("a failure is told to whoever asked, and the next call tries again", async () => {
  let fails = true;
  const again = new Again(async () => {
    if (fails) throw new Error("down");
  });
  await expect(again.run()).rejects.toThrow("down");
  fails = false;
  await expect(again.run()).resolves.toBeUndefined();
});
