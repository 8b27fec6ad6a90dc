import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'

/**
 * Personal data at rest: sealed with AES-256-GCM, and looked up by keyed hashes. Both keys come from DATA_KEY, so a
 * stolen database without the environment tells no number and no name.
 */
export type Sealing = {
  seal(plain: string): Buffer
  /** @throws when the bytes were changed or sealed with a key we do not have */
  open(sealed: Uint8Array): string
  /** The same number gives the same hash, so that it can be looked up without being stored. */
  phoneHash(phone: string): Buffer
  /** For secrets that we made ourselves, long and random: device passwords, sessions, links. */
  secretHash(secret: string): Buffer
}

const KEY_ID = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = 1 + NONCE_BYTES + TAG_BYTES

/** @param dataKey at least 32 characters, from DATA_KEY */
export function createSealing(dataKey: string): Sealing {
  const derive = (purpose: string) => Buffer.from(hkdfSync('sha256', dataKey, '', purpose, 32))
  const sealKey = derive('anlin seal 1')
  const phoneKey = derive('anlin phone 1')
  const secretKey = derive('anlin secret 1')
  return {
    seal(plain) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', sealKey, nonce)
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      return Buffer.concat([Buffer.of(KEY_ID), nonce, cipher.getAuthTag(), body])
    },
    open(sealed) {
      const bytes = Buffer.from(sealed)
      if (bytes.length < HEADER_BYTES || bytes[0] !== KEY_ID) throw new Error('sealed with a key that is not here')
      const decipher = createDecipheriv('aes-256-gcm', sealKey, bytes.subarray(1, 1 + NONCE_BYTES))
      decipher.setAuthTag(bytes.subarray(1 + NONCE_BYTES, HEADER_BYTES))
      return Buffer.concat([decipher.update(bytes.subarray(HEADER_BYTES)), decipher.final()]).toString('utf8')
    },
    phoneHash: (phone) => createHmac('sha256', phoneKey).update(phone).digest(),
    secretHash: (secret) => createHmac('sha256', secretKey).update(secret).digest(),
  }
}
