import type { CommandUsage } from '../command.js'
export const usage: CommandUsage = { summary: 'x', arguments: [], options: [], examples: [] }
export async function run(): Promise<void> {}
