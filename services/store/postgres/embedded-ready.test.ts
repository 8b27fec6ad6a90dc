import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { saysShuttingDown, saysStartingUp } from '../../testing/starting-up.ts'
import { untilReady } from './embedded-ready.ts'

const log = { info() {}, warn() {}, error() {}, debug() {} }

/** Waits for a server that answers this way until it has been asked three times. @returns how often the start was said to go on */
async function wait(answer: (socket: Socket) => void): Promise<number> {
  const ending = new AbortController()
  let asked = 0
  const server = createServer((socket) => {
    asked += 1
    if (asked === 3) ending.abort()
    answer(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  let wentOn = 0
  const goesOn = () => {
    wentOn += 1
  }
  await expect(
    untilReady(`postgres://anlin@127.0.0.1:${port}/anlin`, { log, ending: ending.signal, goesOn }),
  ).rejects.toThrow('abort')
  server.close()
  return wentOn
}

test('a start goes on while its database recovers, and not while another one’s hangs in its end, which says the same code', async () => {
  expect(await wait(saysStartingUp)).toBeGreaterThan(0)
  expect(await wait(saysShuttingDown)).toBe(0)
})
