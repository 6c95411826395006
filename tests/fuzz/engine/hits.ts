/** One counter for each branch of the instrumented source, by its number. */
export const hits = new Uint32Array(1 << 16);
