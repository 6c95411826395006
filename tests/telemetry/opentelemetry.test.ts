import { KMSClient } from "@aws-sdk/client-kms";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { KmsSigner } from "../../src/aws-kms/index.ts";
import { openTelemetry } from "../../src/opentelemetry/index.ts";
import { Pkcs11Signer } from "../../src/pkcs11/index.ts";
import { CREDENTIALS, type Kms, startKms } from "../aws-kms/support.ts";
import { createToken } from "../support/softhsm-env.ts";
import { everythingIn } from "./everything-in.ts";

const spans = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
const meterProvider = new MeterProvider({ readers: [reader] });
const observer = openTelemetry({ tracerProvider, meterProvider, attributes: { "ethers_hsm.key": "treasury" } });

let kms: Kms;

beforeAll(async () => {
  // As NodeSDK of an application does.
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  kms = await startKms();
});
beforeEach(() => spans.reset());
afterAll(async () => {
  await kms.server.close();
  await meterProvider.shutdown();
  context.disable();
});

/** The data points of a metric. */
async function pointsOf(name: string) {
  exporter.reset();
  await reader.forceFlush();
  const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
  const metric = metrics.find(({ descriptor }) => descriptor.name === name);
  return { unit: metric?.descriptor.unit, points: metric?.dataPoints ?? [] };
}

describe("openTelemetry()", () => {
  test("makes an INTERNAL span, whose children are the SDK's spans, each of its own call", async () => {
    const client = new KMSClient({ region: kms.server.region, endpoint: kms.server.url, credentials: CREDENTIALS });
    // What an instrumentation of the SDK does.
    client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          const span = tracerProvider.getTracer("sdk").startSpan(`KMS.${commandName}`, { kind: SpanKind.CLIENT });
          return next(args).finally(() => span.end());
        },
      { step: "initialize" },
    );
    const signer = new KmsSigner({ keyId: kms.key.keyId, client, observer });
    await Promise.all(["a", "b", "c", "d"].map((text) => signer.signMessage(text)));
    const finished = spans.getFinishedSpans();
    const own = finished.filter(({ name }) => name === "ethers-hsm sign");
    const children = finished.filter(({ name }) => name === "KMS.SignCommand");
    expect([own.length, children.length]).toEqual([4, 4]);
    const parents = children.map(({ parentSpanContext }) => parentSpanContext?.spanId).sort();
    expect(parents).toEqual(own.map((span) => span.spanContext().spanId).sort());
    for (const { kind, attributes, status, events } of own) {
      expect([kind, status.code, events]).toEqual([SpanKind.INTERNAL, SpanStatusCode.UNSET, []]);
      expect(attributes).toEqual({
        ...{ "ethers_hsm.backend": "aws-kms", "ethers_hsm.operation": "sign", "ethers_hsm.key": "treasury" },
        ...{ "ethers_hsm.attempts": 1, "ethers_hsm.request_id": expect.stringMatching(/^[\da-f-]{36}$/) },
      });
    }
    client.destroy();
  });

  test("its span is the child of the application's", async () => {
    const signer = new KmsSigner({ ...kms.options(), observer });
    const parent = tracerProvider.getTracer("application").startSpan("payment");
    await context.with(trace.setSpan(context.active(), parent), () => signer.signMessage("hi"));
    await signer.close();
    const sign = spans.getFinishedSpans().find(({ name }) => name === "ethers-hsm sign");
    expect(sign?.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
  });

  test("measures durations in seconds, failures by code, and retries", async () => {
    const signer = new KmsSigner({ ...kms.options(), observer });
    kms.server.faults.add(
      { kind: "exception", name: "KMSInternalException", status: 500 },
      { operation: "Sign", times: 1 },
    );
    await signer.signMessage("hi");
    kms.server.faults.add({ kind: "exception", name: "AccessDeniedException" }, { operation: "Sign", times: 1 });
    await expect(signer.signMessage("hi")).rejects.toMatchObject({ code: "ACCESS_DENIED" });
    await signer.close();
    const failed = spans.getFinishedSpans().find(({ status }) => status.code === SpanStatusCode.ERROR);
    expect(failed).toMatchObject({ name: "ethers-hsm sign", status: { message: "ACCESS_DENIED" }, events: [] });
    expect(failed?.attributes["error.type"]).toBe("ACCESS_DENIED");
    const { unit, points } = await pointsOf("ethers_hsm.call.duration");
    expect(unit).toBe("s");
    const signs = points.filter(({ attributes }) => attributes["ethers_hsm.operation"] === "sign");
    expect(signs.map(({ attributes }) => attributes["error.type"]).sort()).toEqual(["ACCESS_DENIED", undefined]);
    for (const { value } of signs) {
      const { sum, buckets } = value as { readonly sum?: number; readonly buckets: { readonly boundaries: number[] } };
      expect(sum).toBeLessThan(60);
      expect([buckets.boundaries[0], buckets.boundaries.at(-1)]).toEqual([0.005, 10]);
    }
    expect((await pointsOf("ethers_hsm.retries")).points).toMatchObject([{ value: 1 }]);
    expect(
      everythingIn([points, spans.getFinishedSpans().map(({ attributes, status }) => ({ attributes, status }))]),
    ).not.toMatch(new RegExp([kms.key.keyId, CREDENTIALS.secretAccessKey].join("|")));
  });

  test("counts the sessions with a token that work, down to none, and the wait for them", async () => {
    const token = createToken("telemetry");
    token.importKey(`0x${"5c".repeat(32)}`, { label: "hot" });
    const { libraryPath, label: tokenLabel, pin } = token;
    const signer = new Pkcs11Signer({ libraryPath, tokenLabel, pin, keyLabel: "hot", sessions: 2, observer });
    await Promise.all(Array.from({ length: 10 }, () => signer.signMessage("hi")));
    await signer.close();
    expect((await pointsOf("ethers_hsm.pkcs11.sessions")).points).toMatchObject([
      { value: 0, attributes: { "ethers_hsm.token": token.label } },
    ]);
    const { points } = await pointsOf("ethers_hsm.queue.duration");
    const signs = points.filter(({ attributes }) => attributes["ethers_hsm.operation"] === "sign");
    expect(signs.map(({ value }) => (value as { readonly count: number }).count)).toEqual([10]);
  });

  test("does nothing without an SDK", async () => {
    const signer = new KmsSigner({ ...kms.options(), observer: openTelemetry() });
    expect(await signer.signMessage("hi")).toMatch(/^0x/);
    await signer.close();
    expect(spans.getFinishedSpans()).toEqual([]);
  });
});
