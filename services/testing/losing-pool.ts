import type { Database } from '../store/postgres/pool.ts'

/**
 * The pool, but what is asked on a connection taken from it goes through `onQuery`: it may not send it, or keep the answer to
 * itself. `pool.query` is left alone.
 */
export function losingPool(pool: Database, onQuery: (send: () => Promise<unknown>) => Promise<unknown>): Database {
  return new Proxy(pool, {
    get(inner, name) {
      if (name === 'connect') return connect
      const value: unknown = Reflect.get(inner, name)
      return typeof value === 'function' ? value.bind(inner) : value
    },
  })
  async function connect() {
    const client = await pool.connect()
    return {
      query: (asked: string) => onQuery(() => client.query(asked)),
      release: (error?: Error) => client.release(error),
    }
  }
}
