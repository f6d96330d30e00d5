/** From the words typed to an exit status: commander finds the command, a context carries it out. */

import { CommanderError, Command as Parser } from 'commander'
import { CommandContext } from './command-context.js'
import { calledCommand } from './commands.js'
import { ClosedOutputError, exitCodeOf, lineFor, UsageError } from './failure.js'
import { Output } from './output.js'
import { addCommands } from './parser.js'
import { listenForStop } from './signals.js'
import { styled } from './styled.js'

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
  const words = error.message
    .replace(/^error: /, '')
    .replace(/\n\((.*)\)$/s, (_, hint: string) => `; ${hint.replace(/^D/, 'd')}`)
  const command = calledCommand(called)
  const help = command === undefined ? 'nomsy --help' : `nomsy ${command} --help`
  if (error.code === 'commander.help') return new UsageError(`no command given; '${help}' lists them`)
  return new UsageError(`${words}; see '${help}'`, { cause: error })
}
