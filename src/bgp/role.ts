/** What one end of an eBGP session is to the other, RFC 9234 §3. */
export type Role = "provider" | "rs" | "rs-client" | "customer" | "peer";

/** The role that the other end must have, RFC 9234 §4.2, table 2. */
export const counterpart: Readonly<Record<Role, Role>> = {
  provider: "customer",
  customer: "provider",
  rs: "rs-client",
  "rs-client": "rs",
  peer: "peer",
};
