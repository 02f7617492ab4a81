import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import { StatusCode } from "../gen/margay/v1/frame_pb.ts";
import type { Clock } from "../platform/clock.ts";
import { ApiError } from "./api-error.ts";
import { ClientConnection } from "./client-connection.ts";
import type { FrameTransport } from "./transport.ts";

interface CallOptions {
  /**
   * Unary: the whole call. Streaming: the longest silence between two messages. Milliseconds; default none.
   * When it passes, the call ends with ApiError DEADLINE_EXCEEDED.
   */
  readonly timeoutMs?: number | undefined;
}

/**
 * The methods of a service as functions: a promise of the response, or an async iterable of responses, whose early end
 * (`break`) cancels the call. Both throw ApiError.
 */
export type ServiceClient<S extends DescService> = {
  readonly [K in keyof S["method"]]: ClientMethod<S["method"][K]>;
};

type ClientMethod<M> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>, options?: CallOptions) => Promise<MessageShape<O>>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (
          request: MessageInitShape<I>,
          options?: CallOptions,
        ) => AsyncGenerator<MessageShape<O>, void>
      : never;

/** A client over an open transport, which it starts; whoever opened the transport closes it. */
export function createClient<S extends DescService>(
  service: S,
  transport: FrameTransport,
  clock: Clock,
): ServiceClient<S> {
  const connection = new ClientConnection(transport, clock);
  const methods = service.methods.map((method) => [method.localName, callable(connection, method)]);
  // One function per method of the descriptor, as the mapped type says.
  return Object.fromEntries(methods) as ServiceClient<S>;
}

function callable(
  connection: ClientConnection,
  method: DescMethod,
): (request: MessageInitShape<DescMessage>, options?: CallOptions) => unknown {
  return (request, options = {}) => {
    const responses = stream(connection, method, request, options);
    return method.methodKind === "unary" ? single(responses, method) : responses;
  };
}

async function* stream(
  connection: ClientConnection,
  method: DescMethod,
  request: MessageInitShape<DescMessage>,
  options: CallOptions,
): AsyncGenerator<MessageShape<DescMessage>, void> {
  const payload = anyPack(method.input, create(method.input, request));
  const name = `${method.parent.typeName}/${method.name}`;
  const deadlineMs = method.methodKind === "unary" ? (options.timeoutMs ?? 0) : 0;
  const silenceMs = options.timeoutMs;
  for await (const answer of connection.call({ method: name, payload, deadlineMs }, silenceMs)) {
    const message = anyUnpack(answer, method.output);
    if (message === undefined) {
      const text = `${method.name} answered with ${answer.typeUrl}`;
      throw new ApiError(StatusCode.INTERNAL, text);
    }
    yield message;
  }
}

async function single(
  responses: AsyncGenerator<MessageShape<DescMessage>, void>,
  method: DescMethod,
): Promise<MessageShape<DescMessage>> {
  let answer: MessageShape<DescMessage> | undefined;
  // To the end, not to the first message: only the end says whether it went well.
  for await (const message of responses) answer = message;
  if (answer === undefined) {
    throw new ApiError(StatusCode.INTERNAL, `${method.name} ended without an answer`);
  }
  return answer;
}
