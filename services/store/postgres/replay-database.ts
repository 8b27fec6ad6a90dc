import { type Config, ConfigError } from '../../config.ts'
import { embeddedUrl, startEmbedded } from './embedded.ts'

const silent = { info() {}, warn() {}, error() {}, debug() {} }

/** The database with the record: the one at DATABASE_URL, that of the running platform, or the embedded one started for the while. */
export async function openRecord(
  config: Pick<Config, 'databaseUrl' | 'dataFolder'>,
): Promise<{ url: string; close(): Promise<void> }> {
  const { databaseUrl, dataFolder } = config
  if (databaseUrl) return { url: databaseUrl, close: async () => undefined }
  const url = embeddedUrl(dataFolder)
  if (url === null) throw new ConfigError('ANLIN_DATA', dataFolder, 'a folder in which a platform has run')
  try {
    const database = await startEmbedded(dataFolder, silent)
    return { url: database.url, close: () => database.stop() }
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('another platform'))
      return { url, close: async () => undefined }
    throw error
  }
}
