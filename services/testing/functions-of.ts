/** Functions that begin at the start of a line, by the formatter's own indentation: they end at the next `}` there. */
export function functionsOf(lines: string[]): { name: string; length: number }[] {
  const found: { name: string; length: number }[] = []
  lines.forEach((line, start) => {
    const match =
      /^(\s*)(?:export )?(?:async )?function\*? (\w+)|^(\s*)(?:private |static |async |#)*(\w+)\([^)]*\)[^;=]*\{$/.exec(
        line,
      )
    const name = match?.[2] ?? match?.[4]
    if (!match || !name || ['if', 'for', 'while', 'switch', 'catch'].includes(name)) return
    const indent = match[1] ?? match[3] ?? ''
    const end = lines.findIndex((candidate, at) => at > start && candidate.startsWith(`${indent}}`))
    if (end > start) found.push({ name, length: end - start + 1 })
  })
  return found
}
