/** Levels of struct types below one another, and ways down through them. Typed data in use has four or five, and a dozen. */
const MAX_LEVELS = 32;
const MAX_WAYS = 1_000;

/** The struct types of EIP-712 typed data, as far as they refer to each other. */
type StructTypes = Readonly<Record<string, readonly { readonly type: string }[]>>;

/** Below one type, itself included: the levels, and how many ways lead down. */
interface Extent {
  readonly levels: number;
  readonly ways: number;
}

const TOO_MUCH: Extent = { levels: MAX_LEVELS + 1, ways: MAX_WAYS + 1 };

/**
 * Whether the struct types of typed data refer to each other in so few ways that each of them can be followed: at most 1,000 from
 * any type down, of at most 32 levels. It takes time in proportion to the fields.
 *
 * ethers follows every way from the primary type down, to find circles: where every type has fields of two others, thirty levels
 * are a billion ways, in four kilobytes. False also for types that contain themselves: EIP-712 has them, ethers refuses them.
 */
export function areTypesFew(types: StructTypes): boolean {
  const known = new Map<string, Extent>();

  function extent(name: string, level: number): Extent {
    const fields = Object.hasOwn(types, name) ? types[name] : undefined;
    if (!fields) return { levels: 0, ways: 0 };
    if (level > MAX_LEVELS) return TOO_MUCH;
    const before = known.get(name);
    if (before) return before;
    let [levels, ways] = [1, 1];
    for (const child of new Set(fields.map(({ type }) => structOf(type)))) {
      // Nothing below matters any more, and in a circle there would be no end of it.
      if (isTooMuch({ levels, ways })) break;
      const below = extent(child, level + 1);
      levels = Math.max(levels, 1 + below.levels);
      ways += below.ways;
    }
    known.set(name, { levels, ways });
    return { levels, ways };
  }

  return Object.keys(types).every((name) => !isTooMuch(extent(name, 1)));
}

function isTooMuch({ levels, ways }: Extent): boolean {
  return levels > MAX_LEVELS || ways > MAX_WAYS;
}

/** `Person` of `Person[2][]`. */
function structOf(type: string): string {
  const bracket = type.indexOf("[");
  return bracket === -1 ? type : type.slice(0, bracket);
}
