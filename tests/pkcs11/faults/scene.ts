import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { hexlify, randomBytes } from "ethers";
import { Pkcs11Signer } from "ethers-hsm/pkcs11";
import pkcs11js, { type PKCS11 } from "pkcs11js";
import { p11KitClient, p11KitServer } from "../../../scripts/setup/p11-kit.mjs";
import { softHsmLibrary } from "../../../scripts/setup/softhsm.mjs";
import { letChildrenReadTypeScript } from "../../support/isolated.ts";
import { P11KitServer } from "../../support/p11-kit.ts";
import { BareModule } from "../../support/pkcs11-shim/bare-module.ts";
import { Shim, type ShimFault, type ShimFunction, type ShimHabit } from "../../support/pkcs11-shim/shim.ts";
import { setRealEnvironment } from "../../support/real-environment.ts";
import { SoftHsmToken } from "../../support/softhsm.ts";
import { writeSoftHsmConfiguration } from "../../support/softhsm-configuration.ts";

export interface SceneOptions {
  /** Whether the library runs in a process of its own. */
  readonly isolated: boolean;
  /** Whether the token is behind p11-kit's remoting. */
  readonly remote: boolean;
  /** Of each call, in milliseconds. */
  readonly timeout: number;
  /** Isolated: after how many milliseconds a call of the library counts as hung. */
  readonly hangTimeout?: number | undefined;
  /** For how long the fault lasts; longer on a machine that is so busy that it has not shown yet. */
  readonly seconds: number;
  /** What the module does otherwise than SoftHSM2. */
  readonly habits: readonly ShimHabit[];
}

const PATIENT = 30_000;
const LONGEST = 30_000;
/** Calls that need every session of the pool. */
const PARALLEL = 50;

type Action = "closeAllSessions" | "logout" | "finalize";

/** A token with two keys, the shim in front of it, signers over both keys, and ways to disturb them. */
export class Scene {
  readonly isolated: boolean;
  readonly timeout: number;
  readonly shim: Shim;
  /** undefined unless the token is remote. */
  readonly server: P11KitServer | undefined;
  readonly signers: readonly Pkcs11Signer[];
  readonly hotKey = hexlify(randomBytes(32));
  /** How often something was done to the module. */
  strikes = 0;
  /** How often other code of this process did so. */
  readonly actions: Record<Action, number> = { closeAllSessions: 0, logout: 0, finalize: 0 };
  readonly #token: SoftHsmToken;
  readonly #folder: string;
  readonly #hangTimeout: number | undefined;
  readonly #milliseconds: number;
  #begun = 0;
  #hasShown: () => boolean = () => true;
  #bare: BareModule | undefined;

  private constructor(
    { isolated, timeout, hangTimeout, seconds, habits }: SceneOptions,
    folder: string,
    shim: Shim,
    token: SoftHsmToken,
    server: P11KitServer | undefined,
  ) {
    this.isolated = isolated;
    this.timeout = timeout;
    this.shim = shim;
    shim.adopt(...habits);
    this.server = server;
    this.#token = token;
    this.#folder = folder;
    this.#hangTimeout = hangTimeout;
    this.#milliseconds = seconds * 1000;
    this.importHotKey();
    token.importKey(hexlify(randomBytes(32)), { label: "cold", id: "0x02" });
    // Two signers over one key, and one over another that may not suffer with them.
    this.signers = ["hot", "hot", "cold"].map((keyLabel) => this.#signer(keyLabel, timeout));
  }

  /** Sets everything up in this process, which must hold no other scene: SoftHSM2 and p11-kit have one state in a process. */
  static async open(options: SceneOptions): Promise<Scene> {
    const softHsm = softHsmLibrary();
    if (softHsm === undefined) throw new Error("SoftHSM2 is missing. Run `npm run setup` first.");
    const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-faults-"));
    setRealEnvironment("SOFTHSM2_CONF", writeSoftHsmConfiguration(folder));
    if (options.isolated) letChildrenReadTypeScript();
    if (!options.remote) {
      const shim = new Shim(softHsm);
      return new Scene(options, folder, shim, SoftHsmToken.create(shim.libraryPath, "faults"), undefined);
    }
    const token = SoftHsmToken.create(softHsm, "faults");
    const paths = { server: p11KitServer(), client: p11KitClient() };
    const server = await P11KitServer.start(paths, softHsm, token.label);
    return new Scene(options, folder, new Shim(server.libraryPath), token, server);
  }

  /**
   * Waits until the token can sign with all sessions, by a signer that has the time for it: the library's own process takes long to start on a busy
   * machine. Every signer knows its address then.
   *
   * @returns how long that took, in milliseconds.
   */
  async untilNormal(): Promise<number> {
    const start = performance.now();
    const patient = this.#signer("hot", PATIENT);
    await Promise.all(Array.from({ length: PARALLEL }, () => patient.signDigest(hexlify(randomBytes(32)))));
    const took = performance.now() - start;
    await Promise.all(this.signers.map((signer) => signer.getAddress()));
    await patient.close();
    return took;
  }

  /** Starts the clock of {@link isOver}. `hasShown` tells whether the fault had the effect that it must have. */
  begin(hasShown: () => boolean): void {
    this.#begun = performance.now();
    this.#hasShown = hasShown;
  }

  get isOver(): boolean {
    const lasted = performance.now() - this.#begun;
    return lasted >= this.#milliseconds && (this.#hasShown() || lasted >= LONGEST);
  }

  /** Does something again and again until the scene is over. */
  async repeatedly(pauseMs: number, action: () => void | Promise<void>): Promise<void> {
    while (!this.isOver) {
      await action();
      this.strikes += 1;
      await setTimeout(pauseMs);
    }
  }

  /** Lets a function of the module have a fault until the scene is over. */
  async suffering(name: ShimFunction, fault: ShimFault): Promise<void> {
    this.shim.set(name, fault);
    while (!this.isOver) await setTimeout(50);
    this.shim.clear(name);
  }

  /** What another user of the module does: code of this process with pkcs11js, or of the library's own process. */
  otherUser(action: Action): void {
    if (this.isolated) {
      this.shim.otherUser(action);
      return;
    }
    this.#bare ??= new BareModule(this.shim.libraryPath);
    this.actions[action] += 1;
    const { cryptoki } = this.#bare;
    if (action === "finalize") {
      finalize(cryptoki);
    } else if (action === "closeAllSessions") {
      cryptoki.C_CloseAllSessions(this.#bare.slot(this.#token.label));
    } else {
      const session = this.#bare.open(this.#token.label, this.#token.pin);
      cryptoki.C_Logout(session.handle);
      session.close();
    }
  }

  importHotKey(privateKey: string = this.hotKey): void {
    this.#token.importKey(privateKey, { label: "hot", id: "0x01" });
  }

  deleteHotKey(): void {
    this.#token.deleteKeys("hot");
  }

  #signer(keyLabel: string, timeout: number): Pkcs11Signer {
    const { label: tokenLabel, pin } = this.#token;
    const { libraryPath } = this.shim;
    const isolation = this.isolated ? { isolation: "process" as const, hangTimeout: this.#hangTimeout } : {};
    return new Pkcs11Signer({ libraryPath, tokenLabel, pin, keyLabel, timeout, ...isolation });
  }

  async close(): Promise<void> {
    this.shim.clear();
    await Promise.all(this.signers.map((signer) => signer.close()));
    await this.server?.close();
    this.shim.remove();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function finalize(cryptoki: PKCS11): void {
  try {
    cryptoki.C_Finalize();
  } catch (error) {
    // The last time has not been noticed yet.
    if ((error as { code?: number }).code !== pkcs11js.CKR_CRYPTOKI_NOT_INITIALIZED) throw error;
  }
}
