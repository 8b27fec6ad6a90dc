import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { openBench } from './testing/bench.ts'

test('a browser that keeps a socket ready and asks nothing does not hold up the end', async () => {
  const bench = await openBench()
  const { url } = await bench.api.listen({ host: '127.0.0.1', port: 0 })
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  await once(socket, 'connect')
  const closed = once(socket, 'close')
  await bench.api.close()
  await closed
  expect(socket.destroyed).toBe(true)
  await bench.close()
})
