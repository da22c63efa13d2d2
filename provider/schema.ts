// SPDX-License-Identifier: Apache-2.0

/**
 * Checks a value of unknown shape. This is all that the package says of its schemas in public: which
 * library they are made with is its own affair.
 */
export interface Schema<Output> {
  /** The checked value, defaults filled in. Throws what tells all that is wrong with it. */
  parse(value: unknown): Output;
  safeParse(
    value: unknown,
  ): { success: true; data: Output } | { success: false; error: { readonly message: string } };
}
