/** From the words typed to an exit status: commander finds the command, a context carries it out. */

import { CommanderError, Option, Command as Parser } from 'commander'
import type { Command, CommandUsage } from './command.js'
import { CommandContext, type GlobalOptions } from './command-context.js'
import { COMMANDS, calledCommand } from './commands.js'
import { ClosedOutputError, exitCodeOf, lineFor, UsageError } from './failure.js'
import { Output } from './output.js'
import { listenForStop } from './signals.js'
import { styled } from './styled.js'
import { version } from './version.js'

const DESCRIPTION =
  'A content-addressed database: stores huge blobs, deduplicated, and reads any part of them.'

const AFTER_HELP = `
OBJECT is a name, a ref, or the first characters of a ref, 6 or more.
The store is --store, else $NOMSY_STORE, else the nearest .nomsy from here upward, else the user's own.

Example:
  $ nomsy put --name disk disk.img
  $ nomsy cat disk --range 0-511 | xxd`

/** Runs the program with `words`, those after its name; resolves to the exit status and never rejects. */
export async function runProgram(words: readonly string[]): Promise<number> {
  // Nobody may read complaints either.
  process.stderr.on('error', () => {})
  const signal = listenForStop()
  const output = new Output(process.stdout, signal)
  let context: CommandContext | undefined
  let help = ''
  let thrown: unknown
  try {
    const parser = new Parser('nomsy')
    // What is set before the commands are added holds for them too.
    parser.configureOutput({ writeOut: (text) => (help += text), writeErr: () => {} }).exitOverride()
    await addCommands(parser, words, (options) => {
      context = new CommandContext(options, output, signal)
      return context
    })
    await parser.parseAsync(words, { from: 'user' })
    await output.flush()
  } catch (error) {
    thrown = error instanceof CommanderError ? usageErrorFrom(error, words) : error
  }
  try {
    if (help !== '') await output.write(help)
    await context?.close()
  } catch (error) {
    // A store that failed says so again when it is closed; the first word on it is enough.
    thrown ??= error
  }
  if (thrown === undefined || thrown instanceof ClosedOutputError) return context?.exitCode ?? 0
  await complain(thrown)
  return exitCodeOf(thrown)
}

/** Says on standard error what was thrown. */
async function complain(error: unknown): Promise<void> {
  const name = styled(process.stderr, 'red', 'nomsy:')
  const { NOMSY_DEBUG } = process.env
  const trace = NOMSY_DEBUG === '1' && error instanceof Error ? `${error.stack}\n` : ''
  await new Promise<void>((resolve) => {
    process.stderr.write(`${name} ${lineFor(error)}\n${trace}`, () => resolve())
  })
}

/** Commander's complaint in our words; undefined for help that was asked for. */
function usageErrorFrom(error: CommanderError, called: readonly string[]): UsageError | undefined {
  if (error.exitCode === 0) return undefined
  if (error.code === 'commander.help') return new UsageError("no command given; 'nomsy --help' lists them")
  const words = error.message
    .replace(/^error: /, '')
    .replace(/\n\((.*)\)$/s, (_, hint: string) => `; ${hint.replace(/^D/, 'd')}`)
  const command = calledCommand(called)
  const help = command === undefined ? 'nomsy --help' : `nomsy ${command} --help`
  return new UsageError(`${words}; see '${help}'`, { cause: error })
}

/** Adds the command that `words` call, or all commands where they call none. */
async function addCommands(
  parser: Parser,
  words: readonly string[],
  startSession: (options: GlobalOptions) => CommandContext,
): Promise<void> {
  parser
    .description(DESCRIPTION)
    .version(version())
    .option('--store <location>', 'the store: a path, level:PATH')
    .option('--json', 'print JSON, one object a line')
    .option('-q, --quiet', 'no progress and no remarks on standard error')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', AFTER_HELP)
  const called = calledCommand(words)
  for (const name of called === undefined ? Object.keys(COMMANDS) : [called]) {
    addCommand(parser, name, await COMMANDS[name]!(), startSession)
  }
}

function addCommand(
  parser: Parser,
  name: string,
  command: Command,
  startSession: (options: GlobalOptions) => CommandContext,
): void {
  const { usage } = command
  const child = parser.command(name).summary(usage.summary).description(descriptionOf(usage))
  for (const [argument, description] of usage.arguments) child.argument(argument, description)
  for (const { flags, description, parse, isRequired = false } of usage.options) {
    const option = new Option(flags, description).makeOptionMandatory(isRequired)
    child.addOption(parse === undefined ? option : option.argParser(parse))
  }
  child.addHelpText('after', afterHelp(usage))
  child.action(async () => {
    // What commander gives is what the command's usage asks for.
    const run = command.run as (
      context: CommandContext,
      options: unknown,
      ...args: unknown[]
    ) => Promise<void>
    await run(startSession(parser.opts()), child.opts(), ...child.processedArgs)
  })
}

function descriptionOf({ summary }: CommandUsage): string {
  return `${summary[0]!.toUpperCase()}${summary.slice(1)}.`
}

function afterHelp({ notes, examples }: CommandUsage): string {
  const example = examples.map((line) => `  $ ${line}`).join('\n')
  return `${notes === undefined ? '' : `\n${notes}\n`}\nExample:\n${example}`
}
