// Signs with a token and with AWS KMS under load and failures, watched by OpenTelemetry's SDK with Prometheus' exporter in this process. It
// exits with 1 unless Prometheus would read what happened, and each series that the dashboard for Grafana asks for.
//
//   npx tsx examples/observability/main.ts [--backend pkcs11]

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InMemorySpanExporter } from "@opentelemetry/sdk-trace-base";
import { Wallet } from "ethers";
import { KmsSigner } from "ethers-hsm/aws-kms";
import { openTelemetry } from "ethers-hsm/opentelemetry";
import { Pkcs11Signer } from "ethers-hsm/pkcs11";
import { softHsmLibrary } from "../../scripts/setup/softhsm.mjs";
import { KmsServer } from "../../tests/servers/aws-kms/kms-server.ts";
import { SoftHsmToken } from "../../tests/support/softhsm.ts";
import { writeSoftHsmConfiguration } from "../../tests/support/softhsm-configuration.ts";
import { expectEqual, Report } from "../demo/report.ts";
import { readOptions } from "../support/options.ts";
import { startTelemetry } from "./telemetry.ts";

const SIGNATURES = 20;

readOptions(["backend"], ["pkcs11"]);
const libraryPath = softHsmLibrary();
if (libraryPath === undefined) throw new Error("SoftHSM2 is missing; run npm run setup");
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";
const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-observability-"));
process.env["SOFTHSM2_CONF"] = writeSoftHsmConfiguration(folder);
const token = SoftHsmToken.create(libraryPath, "treasury");
token.generateKey({ label: "hot-wallet" });
const kms = await KmsServer.start();
const key = kms.ring.importKey(Wallet.createRandom().privateKey);

const report = new Report();
const port = await freePort();
const spans = new InMemorySpanExporter();
const stopTelemetry = await startTelemetry(port, spans);
try {
  const observer = openTelemetry();
  const { pin } = token;
  const inToken = new Pkcs11Signer({
    libraryPath,
    tokenLabel: "treasury",
    pin,
    keyLabel: "hot-wallet",
    sessions: 2,
    observer,
  });
  const { url: endpoint, region } = kms;
  const credentials = { accessKeyId: "AKIADEMODEMODEMODEMO", secretAccessKey: "demo" };
  const inKms = new KmsSigner({ keyId: key.keyId, region, endpoint, credentials, observer });
  for (const signer of [inToken, inKms]) {
    await Promise.all(Array.from({ length: SIGNATURES }, (_, index) => signer.signMessage(`message ${index}`)));
    report.step("signed", `${SIGNATURES} messages with ${signer.backend}`);
  }
  // KMS fails, and the SDK retries; then KMS refuses.
  kms.faults.add({ kind: "exception", name: "KMSInternalException", status: 500 }, { operation: "Sign", times: 1 });
  await inKms.signMessage("retried");
  kms.faults.add({ kind: "exception", name: "AccessDeniedException" }, { operation: "Sign", times: 1 });
  const refused = await inKms.signMessage("refused").catch((error: { code: string }) => error.code);
  report.step("refused", refused);
  await Promise.all([inToken.close(), inKms.close()]);

  const scraped = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const counted = (backend: string, next: string) => {
    return readSeries(
      scraped,
      `ethers_hsm_call_duration_count{ethers_hsm_backend="${backend}",ethers_hsm_operation="sign",${next}`,
    );
  };
  expectEqual("the signatures of the token", counted("pkcs11", "otel"), SIGNATURES);
  expectEqual("the signatures of KMS", counted("aws-kms", "otel"), SIGNATURES + 1);
  expectEqual("the refusals", counted("aws-kms", 'error_type="ACCESS_DENIED"'), 1);
  expectEqual("the sessions that work", readSeries(scraped, "ethers_hsm_pkcs11_sessions{"), 0);
  report.step("scraped", `http://127.0.0.1:${port}/metrics, ${scraped.split("\n").length} lines`);

  const signed = spans.getFinishedSpans().filter(({ name }) => name === "ethers-hsm sign");
  expectEqual("the spans of signatures", signed.length, 2 * SIGNATURES + 2);
  report.step(
    "spans",
    `${signed.length} of signatures; the last has the request id ${signed.at(-1)?.attributes["ethers_hsm.request_id"]}`,
  );

  const dashboard = readFileSync(join(import.meta.dirname, "dashboard.json"), "utf8");
  const asked = new Set(dashboard.match(/\bethers_hsm_\w+_(?:bucket|count|total)\b|\bethers_hsm_pkcs11_sessions\b/g));
  for (const series of asked) expectEqual(`whether Prometheus reads ${series}`, scraped.includes(`\n${series}{`), true);
  report.step("dashboard", `asks for ${[...asked].join(", ")}`);
  report.end();
} finally {
  await stopTelemetry();
  await kms.close();
  rmSync(folder, { recursive: true, force: true });
}

/** The value of the first series whose line begins so; 0 if there is none. */
function readSeries(scraped: string, begin: string): number {
  const line = scraped.split("\n").find((each) => each.startsWith(begin));
  return Number(line?.split(" ").at(-1) ?? 0);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("no port is free");
  return address.port;
}
