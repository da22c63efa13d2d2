// SPDX-License-Identifier: Apache-2.0
import * as pulumi from "@pulumi/pulumi";

/** An argument whose members, at any depth, may be outputs of other resources. */
export type Deep<T> = pulumi.Input<
  T extends readonly (infer Item)[]
    ? Deep<Item>[]
    : T extends object
      ? { [Key in keyof T]: Deep<T[Key]> }
      : T
>;

/**
 * What Pulumi records per resource as the code of its provider. A constant, so that neither an
 * upgrade of this package nor of anything beneath it is a change of any resource, and so that
 * nothing of a program can get captured in it. A test freezes it.
 */
export function stub(kind: string): string {
  return `exports.handler=()=>require("pulumi-consign/dynamic").${kind}`;
}

/** A resource of this package. Its type token is `pulumi-nodejs:dynamic/consign:<Kind>`. */
export abstract class ConsignResource extends pulumi.CustomResource {
  /**
   * `outputs` are the names of what is not among the arguments; without an entry in the properties
   * there would be no output.
   */
  protected constructor(
    kind: string,
    name: string,
    args: pulumi.Inputs,
    outputs: readonly string[],
    options?: pulumi.CustomResourceOptions,
  ) {
    const empty = Object.fromEntries(outputs.map((output) => [output, undefined]));
    super(
      `pulumi-nodejs:dynamic/consign:${kind}`,
      name,
      { ...empty, ...args, __provider: stub(kind) },
      options,
    );
  }
}
