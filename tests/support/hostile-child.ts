import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "../../src/pkcs11/isolation/child.ts";

// The arguments of a child are its program, the library's path and hangTimeout. Here the path is that of a shell script.
const PROGRAM = '#!/bin/sh\n. "$2"\n';

/** Children that do what a test says, in place of the program that they should run: what a library could make of its process. */
export class HostileChildren {
  readonly #folder = mkdtempSync(join(tmpdir(), "ethers-hsm-hostile-"));
  readonly #node = process.execPath;
  #count = 0;

  constructor() {
    const program = join(this.#folder, "program");
    writeFileSync(program, PROGRAM);
    chmodSync(program, 0o700);
    process.execPath = program;
  }

  /** A child that runs a shell script. Its parent listens on file descriptor 4. */
  start(script: string, hangTimeout: number): Child {
    this.#count += 1;
    const path = join(this.#folder, `${this.#count}.sh`);
    writeFileSync(path, script);
    return new Child(path, hangTimeout);
  }

  /** A child that sends these bytes, then does what `then` says: sleep unless given. */
  startSending(bytes: Uint8Array, hangTimeout: number, then = "exec sleep 600"): Child {
    const file = join(this.#folder, `${this.#count + 1}.bytes`);
    writeFileSync(file, bytes);
    return this.start(`cat '${file}' >&4\n${then}\n`, hangTimeout);
  }

  remove(): void {
    process.execPath = this.#node;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A frame as the child should send it, around any text. */
export function framed(text: string | Uint8Array): Buffer {
  const body = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}
