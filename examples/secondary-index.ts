/** An index of a map by one of its values' fields, brought up to date by what changed and not by reading all. */

import type { Database, Ref, SortedMap, SortedSet } from '../src/index.js'

export type City = { readonly name: string; readonly country: string }
export type Cities = SortedMap<string, City>

/** Pairs of country and key, in this order: the keys of a country are neighbours. */
export type ByCountry = SortedSet<[country: string, key: string]>

/** The index of `after`, made from that of `before`: costs what differs between the two. */
export async function updateIndex(index: ByCountry, before: Cities, after: Cities): Promise<ByCountry> {
  const edit = index.edit()
  for await (const change of before.diff(after)) {
    if (change.kind !== 'added') edit.delete([change.before.country, change.key])
    if (change.kind !== 'removed') edit.add([change.after.country, change.key])
  }
  return edit.done()
}

/** The cities of `country`, by their keys: those keys that lie between the country alone and all that follows it. */
export async function citiesOf(cities: Cities, index: ByCountry, country: string): Promise<City[]> {
  const keys: string[] = []
  for await (const [of, key] of index.values({ gte: [country, ''] })) {
    if (of !== country) break
    keys.push(key)
  }
  return (await cities.getMany(keys)).filter((city) => city !== undefined)
}

/** Both of one moment, as one value: who reads the head never sees an index of another state. */
export async function commitBoth(db: Database, cities: Cities, index: ByCountry): Promise<Ref> {
  return (await db.commit('cities', { cities, index })).ref
}
