import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** One message at QoS 1 by Mosquitto's own program, a device that nobody here wrote; ends with the PUBACK. */
export async function mosquittoPub(
  mqttUrl: string,
  login: { username: string; password: string },
  topic: string,
  message: object,
): Promise<void> {
  const { hostname, port } = new URL(mqttUrl)
  const address = ['-h', hostname, '-p', port, '-u', login.username, '-P', login.password]
  await promisify(execFile)('mosquitto_pub', [...address, '-q', '1', '-t', topic, '-m', JSON.stringify(message)])
}
