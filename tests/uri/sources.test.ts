import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { libraryPathOf } from "../../src/uri/module-path.ts";
import { pinFrom } from "../../src/uri/pin-source.ts";
import { refusalOf } from "./rejection.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ethers-hsm-uri-"));
  await writeFile(join(folder, "pin"), "planted pin \r\nanother line\n");
  await writeFile(join(folder, "empty"), "\nplanted\n");
  await writeFile(join(folder, "libtoken.so"), "");
  await writeFile(join(folder, "p11-kit-client.so"), "");
});

afterAll(() => rm(folder, { recursive: true }));

describe("pin-source", () => {
  test("is the first line of a file, or a variable, read when the token asks", async () => {
    expect(await pinFrom(join(folder, "pin"))()).toBe("planted pin ");
    expect(await pinFrom(pathToFileURL(join(folder, "pin")).href)()).toBe("planted pin ");
    const pin = pinFrom("env:ETHERS_HSM_TEST_PIN");
    await expect(async () => pin()).rejects.toMatchObject({ code: "ACCESS_DENIED", operation: "pin-source" });
    process.env["ETHERS_HSM_TEST_PIN"] = "1234";
    expect(await pin()).toBe("1234");
    delete process.env["ETHERS_HSM_TEST_PIN"];
  });

  test("says what is missing, and no PIN", async () => {
    await expect(pinFrom(join(folder, "absent"))()).rejects.toMatchObject({
      code: "ACCESS_DENIED",
      message: expect.stringContaining("cannot be read (ENOENT)"),
    });
    await expect(pinFrom(join(folder, "empty"))()).rejects.toThrow(/has no PIN in its first line/);
  });

  test.each(["|/bin/planted", "planted", "https://planted", "file://planted/host", "env:", "env:A B"])(
    "%s is refused",
    (source) => {
      expect(refusalOf(() => pinFrom(source))).toMatch(/^pin-source/);
    },
  );
});

describe("module-path and module-name", () => {
  const name = (path: string | undefined, module?: string) => libraryPathOf({ path, name: module });

  test("name the library's file", () => {
    expect(name("/usr/lib/a.so")).toBe("/usr/lib/a.so");
    expect(name(folder, "token")).toBe(join(folder, "libtoken.so"));
    expect(name(folder, "p11-kit-client")).toBe(join(folder, "p11-kit-client.so"));
    expect(name(undefined, "softhsm2")).toBe("libsofthsm2.so");
    expect(name(undefined)).toBeUndefined();
  });

  test.each<[platform: NodeJS.Platform, file: string]>([
    ["win32", "softhsm2.dll"],
    ["darwin", "libsofthsm2.dylib"],
  ])("a name is the file of the platform: on %s %s", (platform, file) => {
    const { platform: own } = process;
    Object.defineProperty(process, "platform", { value: platform });
    expect(name(undefined, "softhsm2")).toBe(file);
    Object.defineProperty(process, "platform", { value: own });
  });

  test("are refused where they do not go together", () => {
    expect(refusalOf(() => name("/usr/lib/a.so", "a"))).toMatch(/^module-path must be a directory/);
    expect(refusalOf(() => name(folder))).toMatch(/^module-path is a directory/);
    expect(refusalOf(() => name(undefined, "../planted"))).toMatch(/^module-name must be a name/);
    expect(() => name(folder, "absent")).toThrow(expect.objectContaining({ code: "DEPENDENCY_MISSING" }));
  });
});
