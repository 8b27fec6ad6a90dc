/** A wait for a condition fails where it does not come. */
const WAITS = '[.](waitFor|next|closed|publishAsync)[(]|\\bonce[(]'
const ASSERTS = new RegExp(`expect|assert|${WAITS}`)

/** Tests that neither assert nor call a function of their file that does: by the formatter's indentation, as functionsOf. */
export function idleTests(text: string): string[] {
  const lines = withoutComments(text).split('\n')
  const blockAt = (start: number) => {
    const indent = /^\s*/.exec(lines[start] ?? '')?.[0] ?? ''
    const isEnd = (line: string, at: number) =>
      at > start && line.startsWith(indent) && /^[})\]]/.test(line.slice(indent.length))
    const isOneLine = !/[({[]$/.test(lines[start] ?? '')
    let end = isOneLine ? start : lines.findIndex(isEnd)
    // A table of `each`, whose test begins where the table ends.
    while (/[({[]$/.test(lines[end] ?? '') && end < lines.length)
      end = lines.findIndex((line, at) => at > end && isEnd(line, at))
    return lines.slice(start, end + 1).join('\n')
  }
  const asserting = ['expect', 'assert']
  lines.forEach((line, at) => {
    const name = /^\s*(?:async )?(?:function (\w+)|const (\w+) = )/.exec(line)
    if (name && ASSERTS.test(blockAt(at))) asserting.push(name[1] ?? name[2] ?? '')
  })
  const asserts = new RegExp(`\\b(${asserting.join('|')})|\\b(expect|assert)|${WAITS}`, 'i')
  return lines.flatMap((line, at) => {
    const found = /^\s*(?:test|it)(?:\.\w+)*\(\s*(?:['"`](.*?)['"`])?/.exec(line)
    return found && !asserts.test(blockAt(at)) ? [found[1] ?? `line ${at + 1}`] : []
  })
}

export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '')
}
