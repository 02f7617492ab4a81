import { Parser } from "binary-parser";
import { Reader, ShortReadError } from "../../wire/reader.ts";
import { Writer } from "../../wire/writer.ts";
import type { Capability } from "../capability/capability.ts";
import { decodeCapability, encodeCapability } from "../capability/index.ts";
import { OpenMessageError } from "../errors.ts";
import { asTrans, bgpVersion, headerOctets, MessageType, OpenSubcode } from "../iana.ts";
import { badMessageLength, beginMessage, finishMessage } from "./header.ts";
import type { OpenMessage } from "./message.ts";

/** The fixed part of the body, RFC 4271 §4.2. */
interface OpenFields {
  readonly version: number;
  readonly myAutonomousSystem: number;
  readonly holdTimeSeconds: number;
  readonly bgpIdentifier: number;
  readonly optionalParametersOctets: number;
}

const fixedOctets = 10;

const fixedParser = new Parser()
  .endianness("big")
  .uint8("version")
  .uint16("myAutonomousSystem")
  .uint16("holdTimeSeconds")
  .uint32("bgpIdentifier")
  .uint8("optionalParametersOctets");

/** Optional parameter types. 255 announces the extended form of all of them, RFC 9072 §2. */
const capabilitiesParameter = 2;
const extendedParameters = 255;

/**
 * Decodes the body of an OPEN (RFC 4271 §4.2) and judges it as far as it alone allows; whether AS number and
 * capabilities suit is for the FSM. Duplicate and unknown capabilities are kept, in wire order.
 * @throws OpenMessageError 2/1 (data: version 4), 2/2 (AS 0), 2/3, 2/4, 2/6 (data: the hold time), 2/0 for what is malformed
 */
export function decodeOpen(body: Uint8Array): OpenMessage {
  if (body.length < fixedOctets) {
    const length = headerOctets + body.length;
    throw badMessageLength(length, `length ${length} is too short for an OPEN`);
  }
  const fields = fixedParser.parse(body.subarray(0, fixedOctets)) as OpenFields;
  checkFields(fields);
  const isExtended =
    fields.optionalParametersOctets > 0 && body[fixedOctets] === extendedParameters;
  const capabilities = decodeParameters(body, fields.optionalParametersOctets, isExtended);
  const asn = fourOctetAsn(capabilities) ?? fields.myAutonomousSystem;
  if (asn === 0) throw new OpenMessageError(OpenSubcode.badPeerAs, "AS 0"); // RFC 7607 §2
  const { holdTimeSeconds, bgpIdentifier } = fields;
  return {
    asn,
    holdTimeSeconds,
    bgpIdentifier,
    capabilities,
    ...(isExtended && { extendedParameters: true }),
  };
}

function checkFields({ version, holdTimeSeconds, bgpIdentifier }: OpenFields): void {
  if (version !== bgpVersion) {
    throw new OpenMessageError(
      OpenSubcode.unsupportedVersionNumber,
      `version ${version}`,
      Uint8Array.of(0, bgpVersion),
    );
  }
  // "An implementation MUST reject Hold Time values of one or two seconds."
  if (holdTimeSeconds === 1 || holdTimeSeconds === 2) {
    throw new OpenMessageError(
      OpenSubcode.unacceptableHoldTime,
      `hold time ${holdTimeSeconds} s`,
      Uint8Array.of(0, holdTimeSeconds),
    );
  }
  if (bgpIdentifier === 0) {
    throw new OpenMessageError(OpenSubcode.badBgpIdentifier, "BGP identifier 0.0.0.0");
  }
}

function malformed(message: string, data?: Uint8Array): OpenMessageError {
  return new OpenMessageError(OpenSubcode.unspecific, message, data);
}

function decodeParameters(
  body: Uint8Array,
  parametersOctets: number,
  isExtended: boolean,
): readonly Capability[] {
  try {
    const reader = new Reader(body, fixedOctets);
    if (isExtended) reader.uint8();
    // RFC 9072 §2: the one-octet length "MUST be ignored on receipt once the use of the Extended
    // Optional Parameters Length encoding is determined".
    const octets = isExtended ? reader.uint16() : parametersOctets;
    if (octets !== reader.remaining) {
      throw malformed(`${octets} octets of parameters announced, ${reader.remaining} there`);
    }
    const capabilities: Capability[] = [];
    while (reader.remaining > 0) decodeParameter(reader, isExtended, capabilities);
    return capabilities;
  } catch (error) {
    if (error instanceof ShortReadError) throw malformed(`optional parameters: ${error.message}`);
    throw error;
  }
}

function decodeParameter(reader: Reader, isExtended: boolean, capabilities: Capability[]): void {
  const type = reader.uint8();
  const value = reader.slice(isExtended ? reader.uint16() : reader.uint8());
  if (type !== capabilitiesParameter) {
    throw new OpenMessageError(
      OpenSubcode.unsupportedOptionalParameter,
      `optional parameter type ${type}`,
    );
  }
  while (value.remaining > 0) {
    const start = value.offset;
    const capability = decodeCapability(value);
    if (capability === undefined) {
      const octets = value.octets.subarray(start, value.offset);
      throw malformed(`capability ${octets[0]} is malformed`, octets);
    }
    capabilities.push(capability);
  }
}

/** RFC 6793 §4.1; of several the last. */
function fourOctetAsn(capabilities: readonly Capability[]): number | undefined {
  return capabilities.findLast((capability) => capability.name === "fourOctetAs")?.asn;
}

/**
 * Encodes a whole OPEN. All capabilities go into one optional parameter; the lengths of RFC 9072 are used only where the
 * classic ones are too small, or as `extendedParameters` says. An AS number above 65535 shows as AS_TRANS in the 2-octet field.
 * @throws RangeError when the capabilities do not fit a message
 */
export function encodeOpen(open: OpenMessage): Uint8Array {
  const writer = new Writer();
  beginMessage(writer, MessageType.open);
  writer.uint8(bgpVersion).uint16(open.asn > 0xffff ? asTrans : open.asn);
  writer.uint16(open.holdTimeSeconds).uint32(open.bgpIdentifier);
  const capabilities = new Writer();
  for (const capability of open.capabilities) encodeCapability(capability, capabilities);
  writeParameters(capabilities.view(), writer, open.extendedParameters === true);
  return finishMessage(writer);
}

function writeParameters(capabilities: Uint8Array, writer: Writer, isExtended: boolean): void {
  if (capabilities.length === 0) {
    writer.uint8(0);
  } else if (!isExtended && capabilities.length + 2 <= 255) {
    writer.uint8(capabilities.length + 2);
    writer.uint8(capabilitiesParameter).uint8(capabilities.length).bytes(capabilities);
  } else {
    writer
      .uint8(255)
      .uint8(extendedParameters)
      .uint16(capabilities.length + 3);
    writer.uint8(capabilitiesParameter).uint16(capabilities.length).bytes(capabilities);
  }
}
