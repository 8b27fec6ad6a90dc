import { statfsSync } from 'node:fs'
import { release } from 'node:os'

/** ext2 to ext4, XFS, Btrfs, overlayfs (linux/magic.h): what the kernel is asked to write there is written. */
const WRITTEN_WHEN_ASKED = new Set([0xef53, 0x58465342, 0x9123683e, 0x794c7630])
/** Linux from 5.8 on hands up an error of syncfs(2). */
const TELLS_ERRORS = { major: 5, minor: 8 }

/**
 * PostgreSQL's `recovery_init_sync_method` for the database in `folder`. Before it recovers from a crash all of it has to be
 * on disk. Its default asks for each of two thousand files, half of a recovery's second, and much longer where a power cut has
 * left none of them in memory. Where it is safe the kernel is asked once for the whole file system; what other programs have
 * written there is waited for too.
 */
export function recoverySync(folder: string): { recovery_init_sync_method?: 'syncfs' } {
  const [major = 0, minor = 0] = release().split('.', 2).map(Number)
  const tellsErrors = major > TELLS_ERRORS.major || (major === TELLS_ERRORS.major && minor >= TELLS_ERRORS.minor)
  const isSafe = process.platform === 'linux' && tellsErrors && WRITTEN_WHEN_ASKED.has(statfsSync(folder).type)
  return isSafe ? { recovery_init_sync_method: 'syncfs' } : {}
}
