import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { writeNew } from "./approval-output.ts";
import type { Context } from "./context.ts";
import { requireUsage } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";

/** No other page may show it in a frame, which a policy in the page cannot say. */
const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "content-security-policy": "frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
};

/** Writes the approver's page, or serves it to this machine until the command is interrupted. */
export async function writePage(context: Context): Promise<number> {
  const out = context.text("out");
  requireUsage((out === undefined) === context.flag("serve"), "pass --out FILE, or --serve");
  const packageFile = createRequire(import.meta.url).resolve("ethers-hsm/package.json");
  const html = await readFile(join(dirname(packageFile), "dist/approval-page.html"), "utf8");
  if (out !== undefined) {
    await writeNew(out, html);
    context.result({ bytes: html.length }, ["wrote the page: open it in a browser"]);
    return EXIT.ok;
  }
  const server = createServer((_request, response) => {
    response.writeHead(200, HEADERS).end(html);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  context.result({ url }, [`the page is at ${url} until you interrupt this command`]);
  await once(server, "close");
  return EXIT.ok;
}
