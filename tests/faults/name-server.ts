import { createSocket, type Socket } from "node:dgram";
import { Resolver } from "node:dns";
import { once } from "node:events";
import type { LookupFunction } from "node:net";

/** How the name server answers: by its response code (RFC 1035, section 4.1.1), or not at all. */
type Mood = "answers" | "fails" | "knows no such name" | "refuses" | "is silent";

const RESPONSE_CODES: Readonly<Record<Exclude<Mood, "is silent">, number>> = {
  answers: 0,
  fails: 2,
  "knows no such name": 3,
  refuses: 5,
};
const HEADER_LENGTH = 12;
// How often the resolver asks. It begins with a short wait where the first answers were quick, and doubles it each time: on a
// busy machine even this server's answers are late.
const PATIENT = 7;
const IMPATIENT = 1;
// A pointer to the question's name, type A, class IN, no time to live, and 127.0.0.1.
const ADDRESS_RECORD = Buffer.from("c00c0001000100000000" + "0004" + "7f000001", "hex");

/** A name server on loopback by which every name is this machine, as long as it is in the mood. */
export class NameServer {
  readonly #socket: Socket;
  #mood: Mood = "answers";
  #resolver: Resolver;

  static async start(): Promise<NameServer> {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new NameServer(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#resolver = resolverOf(socket, PATIENT);
    socket.on("message", (query, { port, address }) => {
      if (this.#mood !== "is silent") socket.send(answerTo(query, RESPONSE_CODES[this.#mood]), port, address);
    });
  }

  set mood(mood: Mood) {
    this.#mood = mood;
    this.#resolver = resolverOf(this.#socket, mood === "is silent" ? IMPATIENT : PATIENT);
  }

  /** For an agent: asks this server alone, each time, and fails with the resolver's own errors. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.#resolver.resolve4(hostname, (error, addresses) => {
      if (error) callback(error, "", 4);
      else if (options.all)
        callback(
          null,
          addresses.map((address) => ({ address, family: 4 })),
        );
      else callback(null, addresses[0] ?? "", 4);
    });
  };

  async close(): Promise<void> {
    this.#resolver.cancel();
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }
}

function resolverOf(socket: Socket, tries: number): Resolver {
  const resolver = new Resolver({ timeout: 300, tries });
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  return resolver;
}

function answerTo(query: Buffer, responseCode: number): Buffer {
  // A query of one question; what follows it (EDNS) is left out of the answer.
  const questionEnd = query.indexOf(0, HEADER_LENGTH) + 5;
  const answers = responseCode === 0 ? 1 : 0;
  const header = Buffer.alloc(HEADER_LENGTH);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180 | responseCode, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers, 6);
  const question = query.subarray(HEADER_LENGTH, questionEnd);
  return Buffer.concat(answers === 1 ? [header, question, ADDRESS_RECORD] : [header, question]);
}
