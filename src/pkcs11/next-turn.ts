/** Lets the event loop do what waits: the calls of a library that find and read objects block it. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
