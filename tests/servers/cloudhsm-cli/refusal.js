/** What the cluster refuses: answered as `{"error_code": 1, "data": message}`. */
export class Refusal extends Error {}
