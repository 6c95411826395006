import type { PublishedKey } from "./answer.ts";
import type { KmsConnection } from "./connection.ts";

/** A key whose ARN and public key are known already, and the connection that it shares. */
export class KnownKey {
  readonly connection: KmsConnection;
  readonly published: PublishedKey;

  constructor(connection: KmsConnection, published: PublishedKey) {
    this.connection = connection;
    this.published = published;
  }
}
