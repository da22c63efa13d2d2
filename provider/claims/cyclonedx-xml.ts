// SPDX-License-Identifier: Apache-2.0
import type { XmlElement } from "@rgrove/parse-xml";
import { ConsignError } from "../errors";

/** Elements of a document in XML that are read at most; each takes far more memory than its text. */
const MAX_ELEMENTS = 1_000_000;
const MAX_DEPTH = 64;
const NAMESPACE = /^http:\/\/cyclonedx\.org\/schema\/bom\/([0-9]+\.[0-9]+)$/;

type Members = Record<string, unknown>;

/**
 * A CycloneDX document in XML as the same document in JSON. What is not known here is refused with
 * all of it: of a document that was read in part a condition would think that the rest is not
 * there.
 * @throws ConsignError `PREDICATE_INVALID`
 * @see https://cyclonedx.org/docs/1.6/xml/
 */
export function cyclonedxFromXml(bytes: Uint8Array): Members {
  const root = parse(bytes);
  const version = NAMESPACE.exec(root.attributes["xmlns"] ?? "")?.[1];
  if (root.name !== "bom" || version === undefined)
    throw refused("its root is not <bom> of a namespace of CycloneDX");
  const { xmlns: _xmlns, version: revision, ...attributes } = root.attributes;
  const content = Object.entries(attributes).filter(([name]) => !/^(?:xmlns|xsi):/.test(name));
  return {
    bomFormat: "CycloneDX",
    specVersion: version,
    ...attributesIn(root, Object.fromEntries(content)),
    ...childrenIn(root, 0),
    version: revision === undefined ? 1 : numberIn(revision, root),
  };
}

function parse(bytes: Uint8Array): XmlElement {
  let elements = 0;
  for (const byte of bytes) if (byte === 0x3c && ++elements > 2 * MAX_ELEMENTS) break;
  if (elements > 2 * MAX_ELEMENTS) throw refused(`it has more than ${MAX_ELEMENTS} elements`);
  // Loaded with the first such document: few programs have one.
  const xml = require("@rgrove/parse-xml") as typeof import("@rgrove/parse-xml");
  try {
    const { root } = xml.parseXml(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (root !== null) return root;
  } catch (cause) {
    // The parser calls itself for each level, so what nests without end is an error of the stack.
    const why =
      cause instanceof RangeError ? "it nests too deep" : "it is not well-formed UTF-8 XML";
    throw refused(why, cause);
  }
  throw refused("it is empty");
}

const set = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

const ATTRIBUTES = set("serialNumber bom-ref type mime-type ref alg acknowledgement name");

/** Lists, and how one of their items is called. What an item is called says nothing in JSON. */
const LISTS: Readonly<Record<string, string>> = {
  components: "component",
  services: "service",
  lifecycles: "lifecycle",
  authors: "author",
  externalReferences: "reference",
  references: "reference",
  hashes: "hash",
  properties: "property",
  dependencies: "dependency",
  vulnerabilities: "vulnerability",
  ratings: "rating",
  cwes: "cwe",
  advisories: "advisory",
  responses: "response",
  affects: "target",
  versions: "version",
  tags: "tag",
  endpoints: "endpoint",
  organizations: "organization",
  individuals: "individual",
};

/** Lists without an element of their own: by the element that they stand in. */
const REPEATED: Readonly<Record<string, ReadonlySet<string>>> = {
  supplier: set("url contact"),
  manufacture: set("url contact"),
  manufacturer: set("url contact"),
  provider: set("url contact"),
  organization: set("url contact"),
};

const OBJECTS = set(
  "metadata component supplier manufacture manufacturer provider source analysis credits proofOfConcept",
);
const NUMBERS = set("score cwe");
const BOOLEANS = set("modified authenticated");
const TEXTS = set(`timestamp phase name email phone author publisher group version description scope
  copyright cpe purl vendor url comment id expression detail recommendation workaround created
  published updated rejected severity method vector justification title state response firstIssued
  lastUpdated ref range status tag endpoint reproductionSteps environment`);

/** What an element's attributes and children are in JSON. */
function membersOf(element: XmlElement, depth: number): Members {
  return { ...attributesIn(element), ...childrenIn(element, depth) };
}

function attributesIn(element: XmlElement, attributes: Members = element.attributes): Members {
  for (const name of Object.keys(attributes))
    if (!ATTRIBUTES.has(name)) throw unknown(`the attribute ${name}`, element);
  return { ...attributes };
}

function childrenIn(element: XmlElement, depth: number): Members {
  if (depth > MAX_DEPTH) throw refused(`it nests deeper than ${MAX_DEPTH} elements`);
  const members: Members = {};
  const repeated = REPEATED[element.name];
  for (const child of childrenOf(element)) {
    const { name } = child;
    const value = valueOf(child, depth + 1);
    if (repeated?.has(name) === true) members[name] = [...listIn(members[name]), value];
    else if (Object.hasOwn(members, name)) throw refused(`<${element.name}> has ${name} twice`);
    else members[name] = value;
  }
  return members;
}

function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function valueOf(element: XmlElement, depth: number): unknown {
  const { name } = element;
  if (name === "licenses") return childrenOf(element).map((each) => licenseOf(each, depth + 1));
  if (name === "tools") return toolsOf(element, depth);
  const item = Object.hasOwn(LISTS, name) ? LISTS[name] : undefined;
  if (item !== undefined) {
    plain(element);
    return childrenOf(element).map((each) => {
      if (each.name !== item) throw unknown(`<${each.name}>`, element);
      return itemOf(each, depth + 1);
    });
  }
  if (OBJECTS.has(name) || (name === "contact" && childrenOf(element).length > 0))
    return membersOf(element, depth);
  return name === "text" ? attachedText(element) : scalarOf(element);
}

function itemOf(element: XmlElement, depth: number): unknown {
  switch (element.name) {
    case "hash":
      return { ...attributesIn(element), content: textOnly(element) };
    case "property":
      return { ...attributesIn(element), value: textOnly(element) };
    case "dependency":
      return dependencyOf(element);
    case "cwe":
    case "response":
    case "tag":
    case "endpoint":
      return scalarOf(element);
    default:
      return membersOf(element, depth);
  }
}

function dependencyOf(element: XmlElement): Members {
  const refs = (wanted: string) =>
    childrenOf(element)
      .filter(({ name }) => name === wanted)
      .map((child) => {
        if (childrenOf(child).length > 0) throw unknown("a dependency", child);
        return attributesIn(child)["ref"];
      });
  const known = childrenOf(element).every(
    ({ name }) => name === "dependency" || name === "provides",
  );
  if (!known) throw unknown("an element", element);
  const [dependsOn, provides] = [refs("dependency"), refs("provides")];
  return {
    ref: element.attributes["ref"],
    ...(dependsOn.length === 0 ? {} : { dependsOn }),
    ...(provides.length === 0 ? {} : { provides }),
  };
}

/** In JSON a license stands in an object of its own, and an expression beside its attributes. */
function licenseOf(element: XmlElement, depth: number): Members {
  if (element.name === "license") return { license: membersOf(element, depth) };
  if (element.name !== "expression") throw unknown(`<${element.name}>`, element);
  return { ...attributesIn(element), expression: textOnly(element) };
}

function attachedText(element: XmlElement): Members {
  const { "content-type": contentType, encoding, ...others } = element.attributes;
  return {
    ...attributesIn(element, others),
    ...(contentType === undefined ? {} : { contentType }),
    ...(encoding === undefined ? {} : { encoding }),
    content: textOnly(element),
  };
}

/** A list of tools until 1.4; since then components and services. */
function toolsOf(element: XmlElement, depth: number): unknown {
  plain(element);
  const tools = childrenOf(element);
  return tools.every(({ name }) => name === "tool")
    ? tools.map((tool) => membersOf(tool, depth + 1))
    : childrenIn(element, depth);
}

function scalarOf(element: XmlElement): unknown {
  const { name } = element;
  const text = plainText(element);
  if (NUMBERS.has(name)) return numberIn(text, element);
  if (BOOLEANS.has(name)) {
    if (!/^(?:true|false|1|0)$/.test(text)) throw refused(`<${name}> is neither true nor false`);
    return text === "true" || text === "1";
  }
  if (!TEXTS.has(name)) throw unknown(`<${name}>`, element);
  return text;
}

function plainText(element: XmlElement): string {
  plain(element);
  return textOnly(element);
}

function plain(element: XmlElement): void {
  const [attribute] = Object.keys(element.attributes);
  if (attribute !== undefined) throw unknown(`the attribute ${attribute}`, element);
}

function numberIn(text: string, { name }: XmlElement): number {
  if (!/^-?[0-9]+(?:\.[0-9]+)?$/.test(text.trim())) throw refused(`${name} has no number`);
  return Number(text);
}

function elementsOf(element: XmlElement): XmlElement[] {
  return element.children.filter((child): child is XmlElement => "attributes" in child);
}

/** Its elements, where it has no text beside them. */
function childrenOf(element: XmlElement): XmlElement[] {
  const hasText = element.children.some(
    (child) => !("attributes" in child) && /\S/.test(textIn(child)),
  );
  if (hasText) throw unknown("text", element);
  return elementsOf(element);
}

function textOnly(element: XmlElement): string {
  if (elementsOf(element).length > 0) throw unknown("an element", element);
  return element.children.map(textIn).join("").trim();
}

function textIn(node: object): string {
  return "text" in node && typeof node.text === "string" ? node.text : "";
}

function unknown(what: string, { name }: XmlElement): ConsignError {
  return refused(`what ${what} of <${name}> is in JSON is not known here`);
}

function refused(why: string, cause?: unknown): ConsignError {
  return new ConsignError(
    "PREDICATE_INVALID",
    `the document is no CycloneDX in XML that can be read: ${why}`,
    { cause },
  );
}
