/** What a command's file exports: what commander needs to know of it, and what it does. */

import type { CommandContext } from './command-context.js'

export interface CommandUsage {
  /** One line for the list of commands. */
  readonly summary: string
  /** Name and description, as commander writes names: `<object>`, `[prefix]`, `<file...>`. */
  readonly arguments: readonly (readonly [name: string, description: string])[]
  readonly options: readonly CommandOption[]
  /** Further words at the end of the help, before the examples. */
  readonly notes?: string
  /** Lines as typed, with comments. */
  readonly examples: readonly string[]
}

export interface CommandOption {
  /** As commander writes them: `--name <name>`. */
  readonly flags: string
  readonly description: string
  /** The option's value from what was typed, and from its value if it was given before; throws a UsageError. */
  readonly parse?: (text: string, before: unknown) => unknown
  /** Whether the command cannot do without it. */
  readonly isRequired?: boolean
}

/** What a group's file exports: what there is to say of all its commands. */
export interface CommandGroup {
  readonly group: {
    /** One line for the list of commands. */
    readonly summary: string
    /** Further words at the end of the help. */
    readonly notes: string
    /** Lines as typed. */
    readonly examples: readonly string[]
  }
}

/** A module of commands/. `Args` and `Options` are what `usage` makes commander give. */
export interface Command<Args extends unknown[] = never[], Options = never> {
  readonly usage: CommandUsage
  /** Resolves when done; {@link CommandContext.exitCode} says how it went, unless it throws. */
  run(context: CommandContext, options: Options, ...args: Args): Promise<void>
}
