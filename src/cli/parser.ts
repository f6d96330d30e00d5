/** What commander is to know of the commands: those that the words call, or all. */

import { Option, type Command as Parser } from 'commander'
import type { Command, CommandGroup, CommandUsage } from './command.js'
import type { CommandContext, GlobalOptions } from './command-context.js'
import { COMMANDS, calledCommand, commandsOf, GROUPS } from './commands.js'
import { parseDurability } from './durability.js'
import { version } from './version.js'

const DESCRIPTION =
  'A content-addressed database: huge blobs, maps, lists and sets, deduplicated, versioned, and read in part.'

const AFTER_HELP = `
OBJECT is a name, a ref, or the first characters of a ref, 6 or more. NAME~2 is the second commit before NAME, and
OBJECT:PATH what is inside an object: users:ada/born, events:-1, pages:["docs/index"]/title.
The store is --store, else $NOMSY_STORE, else the nearest .nomsy from here upward, else the user's own.

Example:
  $ nomsy put --name disk disk.img
  $ nomsy cat disk --range 0-511 | xxd
  $ nomsy map set users ada '{"born": 1815}'`

/** Adds to `parser` what `words` may call. `startContext` is called once, when a command begins. */
export async function addCommands(
  parser: Parser,
  words: readonly string[],
  startContext: (options: GlobalOptions) => CommandContext,
): Promise<void> {
  parser
    .description(DESCRIPTION)
    .version(version())
    .option('--store <location>', 'the store: a path, level:PATH')
    .option('--json', 'print JSON, one object a line')
    .option(
      '--durability <mode>',
      'when a change of names counts as done: commit, lazy or none',
      parseDurability,
    )
    .option('-q, --quiet', 'no progress and no remarks on standard error')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', AFTER_HELP)
  const asksForHelp = words.some((word) => ['help', '--help', '-h'].includes(word))
  const called = calledCommand(words)
  const [group, command] = called?.split(' ') ?? []
  const start = (): CommandContext => startContext(parser.opts())
  for (const name of group === undefined ? topNames() : [group]) {
    const child = parser.command(name)
    const names = command === undefined ? commandsOf(name) : [called!]
    if (Object.hasOwn(GROUPS, name)) {
      describeGroup(child, await GROUPS[name]!())
      // What comes after `list` is no command of the group, if it was not recognized as one.
      const isMeant = command !== undefined || asksForHelp || !Object.hasOwn(COMMANDS, name)
      if (isMeant && (group !== undefined || words[0] === 'help')) {
        for (const each of names)
          defineCommand(child.command(each.slice(name.length + 1)), await COMMANDS[each]!(), start)
      }
    }
    if (Object.hasOwn(COMMANDS, name)) defineCommand(child, await COMMANDS[name]!(), start)
  }
}

/** The words that commands and groups begin with. */
function topNames(): string[] {
  return [...new Set([...Object.keys(COMMANDS), ...Object.keys(GROUPS)].map((name) => name.split(' ')[0]!))]
}

function describeGroup(parser: Parser, { group }: CommandGroup): void {
  parser.summary(group.summary).description(sentence(group.summary)).addHelpText('after', afterHelp(group))
}

function defineCommand(parser: Parser, command: Command, start: () => CommandContext): void {
  const { usage } = command
  const isGroup = parser.description() !== ''
  if (!isGroup) {
    parser.summary(usage.summary).description(sentence(usage.summary)).addHelpText('after', afterHelp(usage))
  }
  for (const [argument, description] of usage.arguments) parser.argument(argument, description)
  for (const { flags, description, parse, isRequired = false } of usage.options) {
    const option = new Option(flags, description).makeOptionMandatory(isRequired)
    parser.addOption(parse === undefined ? option : option.argParser(parse))
  }
  parser.action(async () => {
    // What commander gives is what the command's usage asks for.
    const run = command.run as (
      context: CommandContext,
      options: unknown,
      ...args: unknown[]
    ) => Promise<void>
    await run(start(), parser.opts(), ...parser.processedArgs)
  })
}

function sentence(summary: string): string {
  return `${summary[0]!.toUpperCase()}${summary.slice(1)}.`
}

function afterHelp({ notes, examples }: Pick<CommandUsage, 'notes' | 'examples'>): string {
  const example = examples.map((line) => `  $ ${line}`).join('\n')
  return `${notes === undefined ? '' : `\n${notes}\n`}\nExample:\n${example}`
}
