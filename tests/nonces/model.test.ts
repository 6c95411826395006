import { test } from "@jest/globals";
import { fakeWorld } from "./support/fake-world.ts";
import { checkHistories } from "./support/model.ts";

test("random histories: no payment twice, none that was denied, each key's once", async () => {
  await checkHistories(5, async (client) => fakeWorld(client));
});
