/** All that is recorded of an entry, or of the top of a tree, a line for each field. */

import type { Attributes, Entry, TopAttributes } from '../../tree/entry.js'
import { pathText } from '../../tree/tree-path.js'
import { printable } from '../printable.js'
import { modeText } from './entry-columns.js'

const NS = 1_000_000_000n

/** Lines as those of `nomsy stat`. */
export function entryDetails(entry: Entry): string[] {
  const lines = [line('type', entry.type), ...attributeDetails(entry)]
  if (entry.type === 'symlink') lines.push(line('target', printable(pathText(entry.target))))
  if (entry.type === 'char' || entry.type === 'block') lines.push(line('device', entry.device.join(', ')))
  if (entry.type === 'file' && entry.holes !== undefined) lines.push(line('holes', String(entry.holes)))
  if (entry.type !== 'dir' && entry.link !== undefined)
    lines.push(line('link', `${printable(pathText(entry.link))}, its first name`))
  return lines
}

export function topDetails(top: TopAttributes): string[] {
  return [...attributeDetails(top), line('with', top.with.join(', '))]
}

function attributeDetails(attributes: Attributes): string[] {
  const { mode, executable, uid, user, gid, group, mtime, xattrs = {} } = attributes
  const lines: string[] = []
  if (mode !== undefined)
    lines.push(line('mode', `${mode.toString(8).padStart(4, '0')} ${modeText(attributes)}`))
  if (executable === true) lines.push(line('mode', 'executable'))
  if (uid !== undefined || user !== undefined) lines.push(line('user', ownerText(uid, user)))
  if (gid !== undefined || group !== undefined) lines.push(line('group', ownerText(gid, group)))
  if (mtime !== undefined) lines.push(line('mtime', timeText(mtime)))
  for (const [name, value] of Object.entries(xattrs))
    lines.push(line('xattr', `${printable(name)} ${xattrText(value)}`))
  return lines
}

function line(label: string, text: string): string {
  return `${label.padEnd(6)}  ${text}`
}

function ownerText(id: number | undefined, name: string | undefined): string {
  if (id === undefined) return printable(name!)
  return name === undefined ? String(id) : `${id} ${printable(name)}`
}

/** To the nanosecond, in UTC. All times that can be recorded are within the calendar of dates. */
function timeText(ns: bigint): string {
  const rest = ((ns % NS) + NS) % NS
  const seconds = (ns - rest) / NS
  const date = new Date(Number(seconds) * 1000)
  const fraction = String(rest).padStart(9, '0')
  return `${date.toISOString().slice(0, -5).replace('T', ' ')}.${fraction}`
}

/** Text where all of it is, else hex. */
function xattrText(value: Uint8Array): string {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  const text = bytes.toString('latin1')
  return /^[ -~]*$/.test(text) ? JSON.stringify(text) : `0x${bytes.toString('hex')}`
}
