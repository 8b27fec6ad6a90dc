import { embeddedUrl, startEmbedded } from './embedded.ts'

const silent = { info() {}, warn() {}, error() {}, debug() {} }

/** The database with the record: the one at DATABASE_URL, that of the running platform, or the embedded one started for the while. */
export async function openRecord(where: {
  databaseUrl: string | null
  dataFolder: string
}): Promise<{ url: string; close(): Promise<void> }> {
  const { databaseUrl, dataFolder } = where
  if (databaseUrl) return { url: databaseUrl, close: async () => undefined }
  const url = embeddedUrl(dataFolder)
  if (url === null) throw new Error(`no platform has run in ${dataFolder}: set ANLIN_DATA or DATABASE_URL`)
  try {
    const database = await startEmbedded(dataFolder, silent)
    return { url: database.url, close: () => database.stop() }
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('another platform'))
      return { url, close: async () => undefined }
    throw error
  }
}
