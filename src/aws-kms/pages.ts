import { invalidResponse } from "../core/errors.ts";

/** What KMS says of the pages that follow. */
interface Page {
  readonly Truncated?: boolean | undefined;
  readonly NextMarker?: string | undefined;
}

/**
 * Every page of a listing. A page may be short, and even empty: only `Truncated` says that it is the last.
 *
 * @throws SignerError BACKEND_RESPONSE_INVALID where it does not say how to go on, or never would end.
 */
export async function* pagesOf<T extends Page>(
  operation: string,
  fetch: (marker: { Marker?: string }) => Promise<T>,
): AsyncGenerator<T, void, undefined> {
  let marker: string | undefined;
  for (;;) {
    const page = await fetch(marker === undefined ? {} : { Marker: marker });
    yield page;
    if (page.Truncated !== true) return;
    const { NextMarker: next } = page;
    if (next === undefined || next === "" || next === marker) {
      throw invalidResponse(
        `${operation} has more pages, but does not say where they begin; what came is not complete`,
        {
          backend: "aws-kms",
          operation,
        },
      );
    }
    marker = next;
  }
}
