/** When a head's move is acknowledged. SPEC "Durability". */

/** Once it is durable; once it is written, to be durable within a second; once it is written. */
export type Durability = 'commit' | 'lazy' | 'none'

/** From the safest to the fastest. */
export const DURABILITIES: readonly Durability[] = ['commit', 'lazy', 'none']
