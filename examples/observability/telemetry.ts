import { context, metrics, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, SimpleSpanProcessor, type SpanExporter } from "@opentelemetry/sdk-trace-base";

/**
 * OpenTelemetry's SDK in this process: metrics for Prometheus at http://127.0.0.1:PORT/metrics, spans to an exporter. In an application that
 * uses `@opentelemetry/sdk-node`, that does it, and openTelemetry() finds its providers.
 */
export async function startTelemetry(port: number, spans: SpanExporter) {
  const reader = new PrometheusExporter({ host: "127.0.0.1", port, preventServerStart: true });
  await reader.startServer();
  const meterProvider = new MeterProvider({ readers: [reader] });
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  metrics.setGlobalMeterProvider(meterProvider);
  trace.setGlobalTracerProvider(tracerProvider);
  // Without it a span has no parent once something was awaited.
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  return async () => {
    await tracerProvider.shutdown();
    await meterProvider.shutdown();
  };
}
