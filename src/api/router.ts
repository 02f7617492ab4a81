import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { type Any, anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import { type Call, StatusCode } from "../gen/margay/v1/frame_pb.ts";
import { ApiError, invalidArgument } from "./api-error.ts";

/** What a handler knows of its call besides the request. */
interface CallContext {
  /** Aborted when the client cancels, disconnects or its deadline passes: stop working. */
  readonly signal: AbortSignal;
}

type Handler<M> =
  M extends DescMethodUnary<infer I, infer O>
    ? (
        request: MessageShape<I>,
        context: CallContext,
      ) => MessageInitShape<O> | Promise<MessageInitShape<O>>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageShape<I>, context: CallContext) => AsyncIterable<MessageInitShape<O>>
      : never;

/** One handler per method of a service, with the types of the schema. Handlers end a call by throwing ApiError. */
export type ServiceHandlers<S extends DescService> = {
  readonly [K in keyof S["method"]]: Handler<S["method"][K]>;
};

/** Answers a call: any number of payloads, pulled one by one. Throws ApiError when the call cannot be made. */
export type Router = (call: Call, context: CallContext) => AsyncGenerator<Any, void>;

type ErasedHandler = (
  request: unknown,
  context: CallContext,
) => AsyncIterable<MessageInitShape<DescMessage>> | Promise<MessageInitShape<DescMessage>>;

/** Finds handlers by the names of the service's descriptor, so that a new RPC needs a handler and nothing else. */
export function createRouter<S extends DescService>(
  service: S,
  handlers: ServiceHandlers<S>,
): Router {
  const methods = new Map(service.methods.map((method) => [method.name, method]));
  return async function* route(call, context) {
    const method = methods.get(methodName(service, call.method));
    if (method === undefined) throw unknownMethod(service, call.method);
    const request =
      call.payload === undefined ? create(method.input) : anyUnpack(call.payload, method.input);
    if (request === undefined) {
      throw invalidArgument(
        `${method.name} takes ${method.input.typeName}, not ${call.payload?.typeUrl}`,
      );
    }
    // The mapped type guarantees a handler per method; the look-up by name cannot show it to the compiler.
    const handler = (handlers as Readonly<Record<string, ErasedHandler>>)[method.localName];
    if (handler === undefined) throw unknownMethod(service, call.method);
    if (method.methodKind === "server_streaming") {
      const responses = handler(request, context) as AsyncIterable<MessageInitShape<DescMessage>>;
      for await (const response of responses) yield pack(method.output, response);
    } else {
      const response = (await handler(request, context)) as MessageInitShape<DescMessage>;
      yield pack(method.output, response);
    }
  };
}

/** Answers the calls of another service, too, by the full names of its methods. */
export function withService<S extends DescService>(
  router: Router,
  service: S,
  handlers: ServiceHandlers<S>,
): Router {
  const added = createRouter(service, handlers);
  const prefix = `${service.typeName}/`;
  return (call, context) => (call.method.startsWith(prefix) ? added : router)(call, context);
}

function pack(schema: DescMessage, init: MessageInitShape<DescMessage>): Any {
  return anyPack(schema, create(schema, init));
}

function methodName(service: DescService, text: string): string {
  const prefix = `${service.typeName}/`;
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

function unknownMethod(service: DescService, text: string): ApiError {
  const known = service.methods.map((method) => method.name).join(", ");
  return new ApiError(
    StatusCode.UNIMPLEMENTED,
    `this daemon has no method "${text}"; it has ${known}`,
  );
}
