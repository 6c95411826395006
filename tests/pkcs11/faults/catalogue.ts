import { setTimeout } from "node:timers/promises";
import { hexlify, randomBytes } from "ethers";
import type { SignerErrorCode } from "ethers-hsm";
import type { Scene } from "./scene.ts";

export interface Fault {
  /** What happens, in words. */
  readonly name: string;
  /** Where it can happen. Default: both. */
  readonly only?: "in-process" | "isolated";
  readonly remote?: boolean;
  /** Of each call, in milliseconds. Default: 5,000. */
  readonly timeout?: number;
  /** Isolated: after how many milliseconds a call of the library counts as hung. Default: the library's own. */
  readonly hangTimeout?: number;
  /** The codes that callers may see while it lasts. Any other code is a fault of the library. */
  readonly allowed: readonly SignerErrorCode[];
  /** Codes that callers must see, since the fault cannot be hidden from them. */
  readonly certain?: readonly SignerErrorCode[];
  /** Disturbs until the scene is over, and leaves the module as it was. */
  readonly run: (scene: Scene) => Promise<void>;
}

const UNREACHABLE = ["BACKEND_UNAVAILABLE", "THROTTLED", "BACKEND_TIMEOUT"] as const;
const REFUSED = ["SIGNATURE_MISMATCH", "BACKEND_RESPONSE_INVALID"] as const;
const MINUTE = 60_000;

// PKCS#11 v2.40, header pkcs11t.h: FUNCTION_FAILED, and those that say that something is gone or in disorder: GENERAL_ERROR,
// DEVICE_ERROR, DEVICE_MEMORY, DEVICE_REMOVED, KEY_HANDLE_INVALID, OBJECT_HANDLE_INVALID, OPERATION_ACTIVE,
// OPERATION_NOT_INITIALIZED, SESSION_CLOSED, SESSION_HANDLE_INVALID, TOKEN_NOT_PRESENT, USER_NOT_LOGGED_IN.
const FUNCTION_FAILED = 0x06;
const RETURN_VALUES = [0x05, 0x30, 0x31, 0x32, 0x60, 0x82, 0x90, 0x91, 0xb0, 0xb3, 0xe0, 0x101];

export const FAULTS: readonly Fault[] = [
  {
    name: "sessions closed by another user",
    allowed: UNREACHABLE,
    run: (scene) => scene.repeatedly(200, () => scene.otherUser("closeAllSessions")),
  },
  {
    name: "logout by another user",
    allowed: UNREACHABLE,
    run: (scene) => scene.repeatedly(200, () => scene.otherUser("logout")),
  },
  {
    name: "C_Finalize by another user",
    allowed: UNREACHABLE,
    run: (scene) => scene.repeatedly(300, () => scene.otherUser("finalize")),
  },
  {
    name: "key deleted and recreated, same material",
    allowed: [...UNREACHABLE, "KEY_NOT_FOUND"],
    run: (scene) =>
      scene.repeatedly(300, async () => {
        scene.deleteHotKey();
        await setTimeout(20);
        scene.importHotKey();
      }),
  },
  {
    name: "key deleted and recreated, other material",
    allowed: [...UNREACHABLE, "KEY_NOT_FOUND", "KEY_CHANGED"],
    certain: ["KEY_CHANGED"],
    run: (scene) =>
      scene.repeatedly(300, async () => {
        scene.deleteHotKey();
        scene.importHotKey(hexlify(randomBytes(32)));
        await setTimeout(200);
        scene.deleteHotKey();
        scene.importHotKey();
      }),
  },
  {
    name: "p11-kit server killed and restarted",
    remote: true,
    allowed: [...UNREACHABLE, "KEY_NOT_FOUND"],
    run: (scene) =>
      // At any moment of the start that follows the last time, too.
      scene.repeatedly(100, async () => {
        await setTimeout(Math.random() * 300);
        await scene.server?.kill();
        await setTimeout(Math.random() * 300);
        await scene.server?.restart();
      }),
  },
  {
    name: "throttled, three calls of ten",
    allowed: UNREACHABLE,
    run: (scene) => scene.suffering("C_Sign", { returnValue: FUNCTION_FAILED, permille: 300 }),
  },
  {
    name: "delayed by 50 ms",
    allowed: [],
    run: (scene) => scene.suffering("C_Sign", { delayMs: 50 }),
  },
  {
    name: "two calls of C_Sign hang",
    timeout: 1_000,
    allowed: ["BACKEND_TIMEOUT", "BACKEND_UNAVAILABLE"],
    certain: ["BACKEND_TIMEOUT"],
    run: (scene) => hanging(scene, "C_Sign", { count: 2 }),
  },
  {
    name: "every call of C_Sign hangs",
    timeout: 1_000,
    allowed: ["BACKEND_TIMEOUT", "BACKEND_UNAVAILABLE", "THROTTLED"],
    certain: ["BACKEND_TIMEOUT"],
    run: (scene) => hanging(scene, "C_Sign", {}),
  },
  ...(["C_Login", "C_OpenSession", "C_FindObjects"] as const).map(
    (name): Fault => ({
      name: `${name} hangs`,
      timeout: 1_000,
      allowed: UNREACHABLE,
      run: (scene) => hanging(scene, name, {}, () => scene.otherUser("closeAllSessions")),
    }),
  ),
  {
    name: "garbage for a signature",
    allowed: REFUSED,
    run: (scene) => scene.suffering("C_Sign", { answer: "garbage", permille: 200 }),
  },
  {
    name: "a signature too short, too long or empty",
    allowed: REFUSED,
    run: (scene) => {
      const answers = ["short", "long", "empty", "zero"] as const;
      return rotating(scene, answers, (answer) => scene.shim.set("C_Sign", { answer, permille: 200 }));
    },
  },
  {
    name: "a signature by another key",
    allowed: REFUSED,
    run: (scene) => scene.suffering("C_Sign", { answer: "foreignKey", permille: 200 }),
  },
  {
    name: "a signature of another digest",
    allowed: REFUSED,
    run: (scene) => scene.suffering("C_Sign", { answer: "foreignDigest", permille: 200 }),
  },
  {
    name: "two sessions' signatures swapped",
    allowed: REFUSED,
    run: (scene) => scene.suffering("C_Sign", { answer: "swapped", permille: 200 }),
  },
  {
    name: "every return value of a lost session, key or token",
    allowed: [...UNREACHABLE, "KEY_NOT_FOUND"],
    run: (scene) =>
      rotating(scene, RETURN_VALUES, (returnValue) => {
        const name = scene.strikes % 2 === 0 ? "C_Sign" : "C_SignInit";
        scene.shim.clear();
        scene.shim.set(name, { returnValue, count: 20 });
      }),
  },
  {
    name: "a call of C_Sign that hangs, and is ended",
    only: "isolated",
    hangTimeout: 200,
    timeout: 10_000,
    allowed: UNREACHABLE,
    run: (scene) => scene.repeatedly(1_000, () => scene.shim.set("C_Sign", { hangMs: MINUTE, skip: 20, count: 1 })),
  },
  {
    name: "crash (SIGSEGV) in C_Sign",
    only: "isolated",
    allowed: UNREACHABLE,
    run: (scene) => scene.repeatedly(700, () => scene.shim.set("C_Sign", { crash: true, skip: 20, count: 1 })),
  },
];

// Hangs for longer than the timeout of a call, then lets go for a while. A synchronous call that hangs in this very process
// leaves no code to let it go, nor to keep time: it ends on its own, within the timeout.
async function hanging(
  scene: Scene,
  name: "C_Sign" | "C_Login" | "C_OpenSession" | "C_FindObjects",
  { count }: { readonly count?: number },
  cause: () => void = () => undefined,
): Promise<void> {
  const endsByItself = !scene.isolated && name !== "C_Sign";
  const fault = endsByItself ? { hangMs: scene.timeout / 2, count: 1 } : { hangMs: MINUTE, ...(count && { count }) };
  await scene.repeatedly(scene.timeout / 2, async () => {
    scene.shim.set(name, fault);
    cause();
    await setTimeout(1.5 * scene.timeout);
    scene.shim.clear(name);
  });
}

async function rotating<T>(scene: Scene, values: readonly T[], strike: (value: T) => void): Promise<void> {
  await scene.repeatedly(100, () => strike(values[scene.strikes % values.length] as T));
  scene.shim.clear();
}
