/** gRPC's status codes and their HTTP status (google.rpc.Code). */
export const STATUSES = {
  UNKNOWN: { number: 2, http: 500 },
  INVALID_ARGUMENT: { number: 3, http: 400 },
  DEADLINE_EXCEEDED: { number: 4, http: 504 },
  NOT_FOUND: { number: 5, http: 404 },
  ALREADY_EXISTS: { number: 6, http: 409 },
  PERMISSION_DENIED: { number: 7, http: 403 },
  RESOURCE_EXHAUSTED: { number: 8, http: 429 },
  FAILED_PRECONDITION: { number: 9, http: 400 },
  UNIMPLEMENTED: { number: 12, http: 501 },
  INTERNAL: { number: 13, http: 500 },
  UNAVAILABLE: { number: 14, http: 503 },
  UNAUTHENTICATED: { number: 16, http: 401 },
} as const;

export type StatusName = keyof typeof STATUSES;

/** google.rpc.ErrorInfo. */
export interface ErrorInfo {
  readonly reason: string;
  readonly domain?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What an operation fails with. */
export class StatusError extends Error {
  readonly status: StatusName;
  readonly errorInfo: ErrorInfo | undefined;

  constructor(status: StatusName, message: string, errorInfo?: ErrorInfo) {
    super(message);
    this.status = status;
    this.errorInfo = errorInfo;
  }

  /** The JSON of an error over REST (AIP-193). */
  get body(): string {
    const { status, message, errorInfo } = this;
    const details = errorInfo
      ? { details: [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", domain: "googleapis.com", ...errorInfo }] }
      : {};
    return JSON.stringify({ error: { code: STATUSES[status].http, message, status, ...details } });
  }
}
