/** Bytes as lower-case hex, or a list. */
export type RlpItem = string | readonly RlpItem[];

/**
 * Decodes RLP (Ethereum's yellow paper, appendix B) in its one canonical form: the shortest length, a single byte below 0x80 as itself, and
 * nothing after it. ethers' `decodeRlp` accepts other forms.
 *
 * @param encoded lower-case hex.
 * @throws an error for anything else.
 */
export function decodeCanonicalRlp(encoded: string): RlpItem {
  if (!/^0x(?:[0-9a-f]{2})+$/.test(encoded)) throw new Error("it is not lower-case hex");
  const reader = { encoded, at: 2 };
  const item = readItem(reader, encoded.length);
  if (reader.at !== encoded.length) throw new Error("bytes follow the RLP");
  return item;
}

interface Reader {
  readonly encoded: string;
  /** In characters. */
  at: number;
}

function readItem(reader: Reader, end: number): RlpItem {
  const first = readInteger(reader, 1, end);
  if (first < 0x80) return `0x${reader.encoded.slice(reader.at - 2, reader.at)}`;
  const length = readLength(reader, first & 0x3f, end);
  const start = reader.at;
  const stop = start + 2 * length;
  if (stop > end) throw new Error("the RLP ends too early");
  if (first >= 0xc0) {
    const items: RlpItem[] = [];
    while (reader.at < stop) items.push(readItem(reader, stop));
    return items;
  }
  reader.at = stop;
  if (length === 1 && reader.encoded.charAt(start) < "8") throw new Error("a single byte has a length");
  return `0x${reader.encoded.slice(start, stop)}`;
}

/** @param code up to 55 it is the length itself, then how many bytes hold it. */
function readLength(reader: Reader, code: number, end: number): number {
  if (code < 56) return code;
  const start = reader.at;
  const length = readInteger(reader, code - 55, end);
  if (length < 56 || reader.encoded.startsWith("00", start)) throw new Error("a length is not the shortest");
  return length;
}

/** A length of more than 2^53 is not exact, and longer than any text. */
function readInteger(reader: Reader, bytes: number, end: number): number {
  const start = reader.at;
  reader.at += 2 * bytes;
  if (reader.at > end) throw new Error("the RLP ends too early");
  return Number.parseInt(reader.encoded.slice(start, reader.at), 16);
}
