/** A worker thread's program: runs the jobs that pool.ts sends. */

import { parentPort } from 'node:worker_threads'
import { JOBS } from './jobs.js'
import { buffersIn, type JobMessage, type ReplyMessage } from './pool.js'

parentPort?.on('message', async (message: JobMessage) => {
  const answer = await reply(message)
  parentPort?.postMessage(answer, buffersIn(answer))
})

async function reply({ id, module, name, args }: JobMessage): Promise<ReplyMessage> {
  try {
    const jobs = module === undefined ? JOBS : await import(module)
    const job = (jobs as Record<string, (...args: readonly unknown[]) => unknown>)[name]!
    return { id, result: await job(...args) }
  } catch (cause) {
    const { message, errno, code, syscall } = cause as NodeJS.ErrnoException
    return { id, error: { message, errno, code, syscall } }
  }
}
