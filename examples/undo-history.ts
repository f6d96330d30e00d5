/** Undo and redo of a text of any length: states are refs, and all that they have in common is stored once. */

import type { Blob, Database, Ref } from '../src/index.js'

export class UndoHistory {
  readonly #db: Database
  readonly #past: Ref[] = []
  readonly #future: Ref[] = []
  #present: Blob

  private constructor(db: Database, text: Blob) {
    this.#db = db
    this.#present = text
  }

  static async of(db: Database, text: string): Promise<UndoHistory> {
    return new UndoHistory(db, await db.putBlob(new TextEncoder().encode(text)))
  }

  get text(): Blob {
    return this.#present
  }

  /** Replaces `removed` bytes at `at`. Writes the chunks around, however long the text is. */
  async replace(at: number, removed: number, inserted: string): Promise<void> {
    const next = await this.#present.splice(at, removed, new TextEncoder().encode(inserted))
    this.#past.push(this.#present.ref)
    this.#future.length = 0
    this.#present = next
  }

  /** False where nothing is left to undo. */
  undo(): Promise<boolean> {
    return this.#move(this.#past, this.#future)
  }

  /** False where nothing is left to redo. */
  redo(): Promise<boolean> {
    return this.#move(this.#future, this.#past)
  }

  async #move(from: Ref[], to: Ref[]): Promise<boolean> {
    const ref = from.pop()
    if (ref === undefined) return false
    to.push(this.#present.ref)
    this.#present = await this.#db.blob(ref)
    return true
  }
}
