import {
  createRegistry,
  fromBinary,
  fromJsonString,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { type Frame, FrameSchema } from "../gen/margay/v1/frame_pb.ts";
import { file_margay_v1_management } from "../gen/margay/v1/management_pb.ts";

/** How frames look in one WebSocket subprotocol. */
export interface FrameCodec {
  readonly subprotocol: string;
  readonly binary: boolean;
  encode(frame: Frame): Uint8Array | string;
  /** Throws an Error that says what is wrong with it. */
  decode(octets: Uint8Array): Frame;
}

const registry = createRegistry(file_margay_v1_management);

const protoCodec: FrameCodec = {
  subprotocol: "margay.v1.proto",
  binary: true,
  encode: (frame) => toBinary(FrameSchema, frame),
  decode: (octets) => fromBinary(FrameSchema, octets),
};

const jsonCodec: FrameCodec = {
  subprotocol: "margay.v1.json",
  binary: false,
  encode: (frame) => toJsonString(FrameSchema, frame, { registry }),
  decode: (octets) => fromJsonString(FrameSchema, new TextDecoder().decode(octets), { registry }),
};

/** The subprotocols that the server speaks, the one to prefer first. */
export const frameCodecs: readonly FrameCodec[] = [protoCodec, jsonCodec];
