// What an application's own tests do in vitest with its default settings.

import { verifyMessage } from "ethers";
import { RemoteSigner } from "ethers-hsm";
import metadata from "ethers-hsm/package.json" with { type: "json" };
import { TestKey } from "ethers-hsm/testing";
import { expect, test } from "vitest";

for (const [name, files] of Object.entries(metadata.exports)) {
  // The others are not for applications, or need a native addon.
  if (typeof files === "string" || name === "./secp256k1") continue;
  test(`imports ${name}`, async () => {
    expect(Object.keys(await import(`ethers-hsm${name.slice(1)}`))).not.toHaveLength(0);
  });
}

test("signs with a key in memory", async () => {
  const signer = await RemoteSigner.create(new TestKey(`0x${"2a".repeat(32)}`));
  expect(verifyMessage("hello", await signer.signMessage("hello"))).toBe(await signer.getAddress());
});
