import { chromium } from "playwright-core";

/** What keeps the browser on this machine: no other name or address is found, and nothing is asked by the browser itself. */
const isolation = [
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
  "--no-proxy-server",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-domain-reliability",
  "--disable-sync",
  "--no-pings",
];

/**
 * @param {string} executablePath
 * @returns a headless browser without a sandbox of its own, which root's cannot have: it loads our own pages only
 */
export function launch(executablePath) {
  return chromium.launch({ executablePath, headless: true, chromiumSandbox: false, args: isolation });
}

/** One page, with whatever it complained of. */
export class Page {
  /** Uncaught errors, unhandled rejections, and errors on the console but for answers that were refused. @type {string[]} */
  complaints = [];
  /** The origins of everything that it asked for. @type {Set<string>} */
  origins = new Set();

  /** @param {import("playwright-core").Page} page */
  constructor(page) {
    this.page = page;
    page.on("pageerror", (error) => this.complaints.push(`${error.stack ?? error}`));
    page.on("console", (message) => {
      const text = message.text();
      // Chromium's own note of each answer with an error's status, and of each that did not come.
      if (message.type() === "error" && !text.startsWith("Failed to load resource")) this.complaints.push(text);
    });
    page.on("request", (request) => this.origins.add(new URL(request.url()).origin));
  }

  /**
   * @param {string} url
   * @param {unknown} settings for the page's `start`
   */
  async open(url, settings) {
    await this.page.goto(url);
    await this.#call(`start(${JSON.stringify(settings)})`);
  }

  /**
   * @param {string} door of tests/package/browser/page.ts
   * @returns {Promise<Answer>}
   */
  run(door) {
    return this.#call(`run(${JSON.stringify(door)})`);
  }

  /** @param {string} call */
  async #call(call) {
    // While the browser evaluates what a driver asks for, it allows eval, whatever the page's policy says. A later task is the
    // page's own.
    return this.page.evaluate(`new Promise((resolve) => setTimeout(resolve)).then(() => ${call})`);
  }
}

/** @typedef {{ code: string, message: string, backend?: string, retryable?: boolean, requestId?: string }} Failure */
/** @typedef {{ value?: unknown, error?: Failure }} Answer */
