import type { FunctionFragment } from "ethers";

/** How one value is shown; the words are those of ERC-7730, "Field formats". */
export interface FieldFormat {
  /** As {@link Leaf.path}, where `[]` stands for every index. */
  readonly path: string;
  readonly label: string | undefined;
  /** `tokenAmount`, `amount`, `date`, `enum`, `addressName`, `calldata`; any other is shown raw. */
  readonly format: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** How one function, or one type of typed data, is shown. */
export interface Format {
  /** The function; undefined for typed data. */
  readonly fragment: FunctionFragment | undefined;
  /** EIP-712's encodeType; undefined for a function. */
  readonly encodedType: string | undefined;
  readonly intent: string | undefined;
  readonly fields: readonly FieldFormat[];
}

/** The format of the value at `path`, if one is declared. */
export function fieldAt(fields: readonly FieldFormat[], path: string): FieldFormat | undefined {
  const general = path.replace(/\[\d+\]/g, "[]");
  return fields.find((field) => field.path === path || field.path === general);
}

/** `path` with the indices of `place` for its `[]`, in their order. */
export function withIndices(path: string, place: string): string {
  const indices = place.match(/\[\d+\]/g) ?? [];
  let next = 0;
  return path.replace(/\[\]/g, () => indices[next++] ?? "[]");
}
