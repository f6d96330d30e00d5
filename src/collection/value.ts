/** What lists, sets and maps hold, as types. What may be stored is checked as it is stored. SPEC "Collections". */

import type { Referable } from '../encoding/value.js'
import type { Ref } from '../hash/ref.js'

/** What can be read of a collection. Types made with `interface` are no records to TypeScript; use `type`. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Ref
  | readonly Value[]
  | { readonly [key: string]: Value }

/** What can be stored: values in which blobs, lists, sets and maps may stand for their refs. */
export type Storable =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Ref
  | Referable
  | readonly Storable[]
  | { readonly [key: string]: Storable }

/** What can be a key of a set or map. An array of keys is a composite key, ordered element by element. */
export type Key = null | boolean | number | bigint | string | Uint8Array | Ref | readonly Key[]

/** What can be stored as a key. */
export type StorableKey =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Ref
  | Referable
  | readonly StorableKey[]

type Plain = null | boolean | number | bigint | string | Uint8Array | Ref

/** What is read back of a `T` that was stored: refs in place of blobs, lists, sets and maps. */
export type Stored<T> = Storable extends T
  ? Value
  : StorableKey extends T
    ? Key
    : [T] extends [Value]
      ? T
      : T extends Plain
        ? T
        : T extends Referable
          ? Ref
          : { [P in keyof T]: Stored<T[P]> }

/** As {@link Stored}, of a key. */
export type StoredKey<T> = Stored<T> extends infer K extends Key ? K : never

/** What can be stored where a `T` is to be read back. */
export type Input<T> = Value extends T
  ? Storable
  : Key extends T
    ? StorableKey
    : T extends Ref
      ? Ref | Referable
      : T extends Plain
        ? T
        : { readonly [P in keyof T]: Input<T[P]> }
