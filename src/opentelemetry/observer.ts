import {
  type Attributes,
  context,
  type MeterProvider,
  metrics,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import { version } from "../../package.json";
import type { CallEvent, CallObserver } from "../telemetry/call-event.ts";

/** Where spans and measurements go, and what they hold besides. */
export interface OpenTelemetryOptions {
  /** Default: the global one, whenever it is set. */
  readonly tracerProvider?: TracerProvider | undefined;
  /** Default: the global one, as it is at the first call. */
  readonly meterProvider?: MeterProvider | undefined;
  /**
   * Further attributes of every span and every measurement of this observer, for example `{ "ethers_hsm.key": "treasury" }`. Each value of a
   * measurement's attribute costs a time series: name a handful of keys, not a fleet.
   */
  readonly attributes?: Attributes | undefined;
}

const NAME = "ethers-hsm";
/** Seconds, as OpenTelemetry's semantic conventions advise for durations of calls. */
const BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/**
 * An observer that makes a span and measurements of each call, by `@opentelemetry/api`.
 *
 * Spans are INTERNAL and named `ethers-hsm <operation>`: the vendor's SDK, or HTTP below it, makes the CLIENT span, as a child. Without an SDK
 * of OpenTelemetry in the application it does nothing.
 */
export function openTelemetry({
  tracerProvider,
  meterProvider,
  attributes = {},
}: OpenTelemetryOptions = {}): CallObserver {
  const spans = new WeakMap<CallEvent, Span>();
  const own = { ...attributes };
  return {
    onStart(event) {
      const tracer = (tracerProvider ?? trace).getTracer(NAME, version);
      const span = tracer.startSpan(`${NAME} ${event.operation}`, {
        kind: SpanKind.INTERNAL,
        attributes: { ...own, ...dimensions(event) },
      });
      spans.set(event, span);
    },
    run(fn, event) {
      const span = spans.get(event);
      return span ? context.with(trace.setSpan(context.active(), span), fn) : fn();
    },
    onEnd(event) {
      endSpan(spans.get(event), event);
      measure(instrumentsOf(meterProvider ?? metrics.getMeterProvider()), event, { ...own, ...dimensions(event) });
    },
  };
}

/** What spans and measurements share. A caller's abort is not an error of the backend, and yet not a success. */
function dimensions({ backend, operation, outcome, code }: CallEvent): Attributes {
  const error = outcome === "aborted" ? "aborted" : code;
  return {
    "ethers_hsm.backend": backend,
    "ethers_hsm.operation": operation,
    ...(error !== undefined && { "error.type": error }),
  };
}

function endSpan(span: Span | undefined, event: CallEvent): void {
  if (!span) return;
  const { outcome, code, attempts = 0, queued = 0, requestIds = [] } = event;
  if (span.isRecording()) {
    span.setAttributes({ ...dimensions(event), "ethers_hsm.attempts": attempts });
    if (queued > 0) span.setAttribute("ethers_hsm.queue.duration", queued / 1_000);
    const requestId = requestIds.at(-1);
    if (requestId !== undefined) span.setAttribute("ethers_hsm.request_id", requestId);
    if (outcome !== "ok") span.setStatus({ code: SpanStatusCode.ERROR, message: code ?? "aborted" });
  }
  span.end();
}

type Instruments = ReturnType<typeof createInstruments>;

/** Observers share them, since they share the sessions that are counted. */
const instruments = new WeakMap<MeterProvider, Instruments>();

function instrumentsOf(provider: MeterProvider): Instruments {
  const known = instruments.get(provider) ?? createInstruments(provider);
  instruments.set(provider, known);
  return known;
}

function createInstruments(provider: MeterProvider) {
  const meter = provider.getMeter(NAME, version);
  const seconds = { unit: "s", advice: { explicitBucketBoundaries: BOUNDARIES } };
  return {
    duration: meter.createHistogram("ethers_hsm.call.duration", {
      ...seconds,
      description: "Duration of calls of keys and stores, retries and verification included.",
    }),
    queued: meter.createHistogram("ethers_hsm.queue.duration", {
      ...seconds,
      description: "How long calls waited for a session with a PKCS#11 token.",
    }),
    retries: meter.createCounter("ethers_hsm.retries", {
      unit: "{retry}",
      description: "Requests to the backend beyond the first one of each call.",
    }),
    sessions: meter.createUpDownCounter("ethers_hsm.pkcs11.sessions", {
      unit: "{session}",
      description: "Sessions with a PKCS#11 token that work.",
    }),
    /** What was last counted of each token: the counter is told differences. */
    inUse: new Map<string, number>(),
  };
}

function measure(
  { duration, queued, retries, sessions, inUse }: Instruments,
  event: CallEvent,
  shared: Attributes,
): void {
  duration.record((event.duration ?? 0) / 1_000, shared);
  const { attempts = 0, queued: waited, sessions: use } = event;
  if (attempts > 1) retries.add(attempts - 1, shared);
  if (!use) return;
  queued.record((waited ?? 0) / 1_000, shared);
  sessions.add(use.inUse - (inUse.get(use.token) ?? 0), { "ethers_hsm.token": use.token });
  inUse.set(use.token, use.inUse);
}
