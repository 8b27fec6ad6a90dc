/** Messages of the first priority: those of a critical incident. They go first, and no other may take all the room. */
export function isCritical(priority: number): boolean {
  return priority === 0
}
