import type { Value } from '../../collection/value.js'

/** Whether `value` has fields. */
export function isRecord(value: Value): value is { readonly [key: string]: Value } {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
