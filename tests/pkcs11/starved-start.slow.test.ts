import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { id, verifyMessage, Wallet } from "ethers";
import { createToken } from "../support/softhsm-env.ts";
import type { StarvedStart } from "./starved-start.ts";

const ACTOR = fileURLToPath(new URL("./starved-start.ts", import.meta.url));
const PRIVATE_KEY = id("a process that cannot start another");

test("a library's process that cannot be started is said to be so, and started by the next call", () => {
  const token = createToken("starved");
  token.importKey(PRIVATE_KEY, { label: "hot" });
  const { libraryPath, label: tokenLabel, pin } = token;
  const options = { libraryPath, tokenLabel, pin, keyLabel: "hot", isolation: "process", timeout: 25_000 };
  const command = 'ulimit -n 256 && exec "$0" --import tsx "$1" "$2"';
  const { stdout, stderr, status } = spawnSync(
    "sh",
    ["-c", command, process.execPath, ACTOR, JSON.stringify(options)],
    { encoding: "utf8", timeout: 110_000 },
  );
  expect([status, stderr]).toEqual([0, ""]);
  const { during, after, warnings } = JSON.parse(stdout) as StarvedStart;
  expect(during).toBe("BACKEND_UNAVAILABLE");
  expect(verifyMessage("after", after)).toBe(new Wallet(PRIVATE_KEY).address);
  expect(warnings).toEqual([]);
}, 120_000);
