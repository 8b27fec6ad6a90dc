const never = new Promise<never>(() => {})

/**
 * A port of a process that may be killed. From then on nothing is asked of it any more and no answer comes back;
 * what was already on its way arrives, as a statement does that the database has in hand.
 */
export function mortal<Port extends object>(port: Port, isDead: () => boolean): Port {
  return new Proxy(port, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return (...given: unknown[]) => {
        if (isDead()) return never
        const answer: unknown = Reflect.apply(member, target, given)
        if (!(answer instanceof Promise)) return answer
        const unlessDead = <T>(pass: () => T) => (isDead() ? never : pass())
        return answer.then(
          (value) => unlessDead(() => value),
          (error) => unlessDead(() => Promise.reject(error)),
        )
      }
    },
  })
}
