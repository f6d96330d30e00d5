/** File systems on disks that this process serves: nbdfuse makes a file of the disk, losetup a block device of that. */

import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { NbdServer } from './nbd-server.js'

const run = promisify(execFile)

/** A kind of file system, and how it is mounted. */
export interface FileSystemKind {
  readonly title: string
  readonly make: readonly [command: string, ...args: string[]]
  readonly mountOptions: string
  readonly mib: number
}

export const EXT4: FileSystemKind = {
  title: 'ext4',
  make: ['mkfs.ext4', '-q', '-F', '-b', '4096', '-J', 'size=4'],
  mountOptions: 'defaults',
  mib: 64,
}

export const EXT4_WRITEBACK: FileSystemKind = {
  ...EXT4,
  title: 'ext4, data=writeback, noauto_da_alloc',
  mountOptions: 'data=writeback,noauto_da_alloc',
}

/** The smallest that mkfs.xfs makes. */
export const XFS: FileSystemKind = {
  title: 'xfs',
  make: ['mkfs.xfs', '-q', '-f'],
  mountOptions: 'defaults',
  mib: 300,
}

/** A new file system of that kind, as bytes. */
export async function emptyFileSystem({ make: [command, ...args], mib }: FileSystemKind): Promise<Buffer> {
  const directory = await mkdtemp(join(tmpdir(), 'nomsy-mkfs-'))
  try {
    const path = join(directory, 'disk')
    const file = await open(path, 'wx')
    await file.truncate(mib * 1024 * 1024)
    await file.close()
    await run(command, [...args, path])
    return await readFile(path)
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** A disk of this process that is mounted. */
export class ServedDisk {
  readonly server: NbdServer
  readonly #directory: string
  readonly #unmount: (() => Promise<unknown>)[] = []

  private constructor(directory: string, bytes: Buffer) {
    this.#directory = directory
    this.server = new NbdServer(bytes)
  }

  /** Mounts the file system in `bytes`, which it writes to. */
  static async mount(kind: FileSystemKind, bytes: Buffer): Promise<ServedDisk> {
    const disk = new ServedDisk(await mkdtemp(join(tmpdir(), 'nomsy-disk-')), bytes)
    try {
      await disk.#mount(kind)
      return disk
    } catch (error) {
      await disk.unmount()
      throw error
    }
  }

  /** Where it is mounted. */
  get path(): string {
    return join(this.#directory, 'mounted')
  }

  async #mount(kind: FileSystemKind): Promise<void> {
    const socket = join(this.#directory, 'socket')
    const fuse = join(this.#directory, 'fuse')
    await mkdir(fuse)
    await mkdir(this.path)
    await this.server.listen(socket)
    const nbdfuse = spawn('nbdfuse', [`${fuse}/nbd`, `nbd+unix:///?socket=${socket}`], { stdio: 'inherit' })
    nbdfuse.on('error', () => {})
    this.#unmount.unshift(async () => {
      await run('fusermount3', ['-u', '-z', fuse])
      nbdfuse.kill('SIGKILL')
    })
    for (let waits = 0; !existsSync(`${fuse}/nbd`); waits++) {
      if (waits > 200) throw new Error('nbdfuse did not come up')
      await sleep(20)
    }
    const device = (await run('losetup', ['--find', '--show', `${fuse}/nbd`])).stdout.trim()
    this.#unmount.unshift(() => run('losetup', ['--detach', device]))
    await run('mount', ['-o', kind.mountOptions, device, this.path])
    this.#unmount.unshift(() => run('umount', ['-l', this.path]))
  }

  async unmount(): Promise<void> {
    for (const step of this.#unmount.splice(0)) await step()
    this.server.close()
    await rm(this.#directory, { recursive: true, force: true }).catch(() => {})
  }
}

/** Mounts the file system in the file `image` at `path` while `body` runs. */
export async function withMounted<T>(
  { mountOptions }: FileSystemKind,
  image: string,
  path: string,
  body: () => Promise<T>,
): Promise<T> {
  await run('mount', ['-o', `loop,${mountOptions}`, image, path])
  try {
    return await body()
  } finally {
    await run('umount', [path])
  }
}
