import { StatusCode } from "../gen/margay/v1/frame_pb.ts";

/** A call that ended otherwise than OK; handlers throw it, clients receive it. docs/ERRORS.md lists the codes. */
export class ApiError extends Error {
  readonly code: StatusCode;

  /** @param message one sentence for people, which says what to do where something can be done */
  constructor(code: StatusCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ApiError";
    this.code = code;
  }

  /** `NOT_FOUND`, as in the schema but without the prefix. */
  get codeName(): string {
    const found = Object.entries(StatusCode).find(([, code]) => code === this.code);
    return found === undefined ? `code ${this.code}` : found[0];
  }
}

/** What a handler answers for a request whose fields make no sense. */
export function invalidArgument(message: string): ApiError {
  return new ApiError(StatusCode.INVALID_ARGUMENT, message);
}
