import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { verifyMessage } from "ethers";
import { runCli } from "../../servers/cloudhsm-cli/cli-run.ts";
import { until } from "../../support/until.ts";
import { QuorumSetup } from "./setup.ts";

const APPLICATION = fileURLToPath(new URL("application.ts", import.meta.url));

let setup: QuorumSetup;
beforeEach(() => {
  setup = new QuorumSetup();
});
afterEach(async () => {
  await setup.end();
});

async function run() {
  const { username: user, password } = setup.cluster.user("alice");
  const keys = Object.fromEntries(
    ["alice", "bob"].map((name) => [
      name,
      setup.cluster.user(name).privateKey.export({ type: "pkcs8", format: "pem" }),
    ]),
  );
  const application = JSON.stringify({ cliPath: setup.cluster.cliPath, user, password, keys });
  return runCli(process.execPath, ["--import", "tsx", APPLICATION], "", { APPLICATION: application });
}

it("an application ends on its own without close(), and the CLI with it", async () => {
  const { stdout, stderr, code } = await run();
  expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  expect(verifyMessage("the end", stdout)).toBe(await setup.signer().getAddress());
  expect(setup.cluster.state.pids).toHaveLength(2);
  const [first] = setup.cluster.state.pids;
  await until(() => !setup.cluster.running.includes(first ?? 0));
});
