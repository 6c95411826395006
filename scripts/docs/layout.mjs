import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { launch } from "../browser/chromium.mjs";
import { prepareChromium } from "../setup/chromium.mjs";
import { SetupError } from "../setup/setup-error.mjs";

/** Pixels: a telephone, a laptop, a large screen. */
const WIDTHS = [390, 1280, 1920];
/** @type {Record<string, string>} */
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

/**
 * Fails where a page is wider than the screen, or a table or picture is wider than the place that it has. Without a Chromium it
 * says so, but for a CI run (CI=true), which fails.
 *
 * @param {string} folder the built site
 * @param {readonly string[]} paths of its pages
 */
export async function checkLayout(folder, paths) {
  try {
    const found = await overflows(prepareChromium(), folder, paths);
    for (const each of found) console.error(each);
    if (found.length > 0) process.exitCode = 1;
    else console.log(`No page of ${paths.length} overflows at ${WIDTHS.join(", ")} pixels.`);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.log(`site: the layout was not checked: ${error.message}`);
    if (process.env["CI"]) process.exitCode = 1;
  }
}

/**
 * @param {string} executablePath of Chromium
 * @param {string} folder
 * @param {readonly string[]} paths
 */
async function overflows(executablePath, folder, paths) {
  const server = createServer(({ url = "/" }, response) => {
    const path = join(folder, new URL(url, "http://site").pathname);
    const file = [path, `${path}.html`, join(path, "index.html")].find((each) => extname(each) && existsSync(each));
    response.writeHead(file ? 200 : 404, { "content-type": TYPES[extname(file ?? "")] ?? "application/octet-stream" });
    response.end(file && readFileSync(file));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  const browser = await launch(executablePath);
  const found = [];
  try {
    for (const width of WIDTHS) {
      const page = await browser.newPage({ viewport: { width, height: 900 } });
      for (const path of paths) {
        await page.goto(`${origin}${path}`);
        const wide = await page.evaluate(`(() => {
          const name = (each) => each.tagName.toLowerCase() + " " + each.textContent.trim().slice(0, 40);
          const wide = [...document.querySelectorAll(".vp-doc :is(table, img)")]
            .filter((each) => each.getBoundingClientRect().right > each.closest(".vp-doc").getBoundingClientRect().right + 1);
          const page = document.documentElement.scrollWidth > innerWidth ? ["the page"] : [];
          return [...page, ...wide.map(name)];
        })()`);
        for (const each of /** @type {string[]} */ (wide)) found.push(`${path} at ${width} pixels: too wide: ${each}`);
      }
      await page.close();
    }
  } finally {
    await browser.close();
    server.close();
    server.closeAllConnections();
  }
  return found;
}
