/**
 * Whether a history of calls on one head can be put into an order that explains all answers: each call somewhere between
 * its beginning and its end. Wing and Gong's search, with what was tried remembered (Lowe).
 */

/** A call on a head; refs as text, null being no head. */
export interface HeadCall {
  readonly start: number
  /** Infinity where it never answered. */
  readonly end: number
  readonly call: 'read' | { readonly expected: string | null; readonly next: string }
  /**
   * `is`: the read gave `value`, or the move was made. `conflict`: the head was `value` and the move was not made.
   * `uncertain`: the head was `value`, and the move was made before or it was not. `none`: no answer.
   */
  readonly answer: 'is' | 'conflict' | 'uncertain' | 'none'
  readonly value: string | null
}

/** What the head may be after `call` on a head that is `state`; none where the answer could not have been given. */
function statesAfter({ call, answer, value }: HeadCall, state: string | null): (string | null)[] {
  if (call === 'read') return answer === 'none' || value === state ? [state] : []
  const isMet = call.expected === state
  switch (answer) {
    case 'is':
      return isMet ? [call.next] : []
    case 'conflict':
      return !isMet && value === state ? [state] : []
    case 'uncertain':
    case 'none':
      return isMet ? [call.next, state] : [state]
  }
}

export function isLinearizable(history: readonly HeadCall[]): boolean {
  const tried = new Set<string>()
  const all = (1n << BigInt(history.length)) - 1n
  return search(0n, null)

  function search(done: bigint, state: string | null): boolean {
    if (done === all) return true
    const key = `${done} ${state}`
    if (tried.has(key)) return false
    tried.add(key)
    const left = history.flatMap((call, index) => ((done >> BigInt(index)) & 1n ? [] : [{ call, index }]))
    // Whatever is first began before any other ended.
    const firstEnd = Math.min(...left.map(({ call }) => call.end))
    return left
      .filter(({ call }) => call.start <= firstEnd)
      .some(({ call, index }) =>
        statesAfter(call, state).some((after) => search(done | (1n << BigInt(index)), after)),
      )
  }
}
