import { copyFile, stat, truncate } from 'node:fs/promises'

/** Of what the database says of itself: a line for each lost race, all day long. With the part before it, twice as much. */
const MOST_BYTES = 8 * 2 ** 20

/**
 * Lays aside what stands in the log as `<file>.old`, in place of what lay there, once it is longer than `mostBytes`. The
 * database has it open to append, so it goes on at the beginning; what it writes in that very moment is lost.
 * @returns whether it did
 */
export async function cutLog(file: string, mostBytes = MOST_BYTES): Promise<boolean> {
  const { size } = await stat(file)
  if (size <= mostBytes) return false
  // What grew for years before anybody cut it is not worth as much disk again; nor is a full disk a reason to let it grow.
  if (size <= 2 * mostBytes) await copyFile(file, `${file}.old`).catch(() => undefined)
  await truncate(file)
  return true
}
