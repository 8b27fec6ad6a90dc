import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { temporaryFolder } from './temporary-folder.ts'

/** Node has no datagram sockets of the Unix kind; every Debian has perl. */
const LISTEN = `
  $| = 1;
  my $ear = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die $!;
  print "listening\\n";
  while (defined $ear->recv(my $said, 4096)) { print "$said\\n" }`

/** The socket at which systemd would listen, and the lines that were said to it so far. */
export async function listenAsSystemd(): Promise<{ socket: string; said: string[] }> {
  const socket = join(temporaryFolder('notify'), 'socket')
  const perl = spawn('perl', ['-MIO::Socket::UNIX', '-e', LISTEN, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void perl.kill())
  const lines = createInterface({ input: perl.stdout })
  await once(lines, 'line')
  const said: string[] = []
  // Where systemd-notify waits until it was heard, it asks for that; the perl lets go of it at once, as systemd does.
  lines.on('line', (line) => line !== 'BARRIER=1' && said.push(line))
  return { socket, said }
}
