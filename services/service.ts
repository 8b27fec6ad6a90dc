import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const ROOT = join(import.meta.dirname, '..')
const UNIT_FILE = '/etc/systemd/system/anlin.service'
const HELP = `npm run service -- [--install] [--file PATH]

Prints a systemd unit that runs this checkout: started at boot, restarted whenever it ends, ended and restarted when it
hangs. --install writes it (to ${UNIT_FILE}, or --file PATH) and says what to do next. Settings come from .env.
`

const { values } = parseArgs({
  options: { install: { type: 'boolean' }, file: { type: 'string', default: UNIT_FILE }, help: { type: 'boolean' } },
})

if (values.help) process.stdout.write(HELP)
else if (values.install) install(values.file)
else process.stdout.write(unit())

function install(file: string): void {
  try {
    writeFileSync(file, unit())
  } catch (error) {
    process.stderr.write(
      `cannot write ${file}: ${error instanceof Error ? error.message : error}\nrun it as root, or say --file PATH\n`,
    )
    process.exit(1)
  }
  process.stdout.write(`wrote ${file}\nnow: systemctl daemon-reload && systemctl enable --now anlin\n`)
  if (!existsSync(join(ROOT, '.env')))
    process.stdout.write(`without ${join(ROOT, '.env')} it runs the demo (see .env.example)\n`)
}

/** Restarted for ever and at once: a platform that gave up after five tries is one that nobody hears. */
function unit(): string {
  return `[Unit]
Description=Anlin, event platform for elderly care
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=all
WorkingDirectory=${ROOT.replaceAll('%', '%%')}
# What was compiled once is not compiled again: after a crash the entrance is open the sooner. Whoever may write there decides
# what runs here; where we may not, all is compiled each time.
Environment="NODE_COMPILE_CACHE=%C/anlin"
ExecStart=${word(process.execPath)} ${word(join(ROOT, 'services', 'main.ts'))} all
Restart=always
RestartSec=1
WatchdogSec=30
# For a start that says nothing. While the database recovers or is migrated, it is told again and again to wait on.
TimeoutStartSec=90
TimeoutStopSec=40
# The embedded database ends itself, after us; it must not be taken away under the drain.
KillMode=mixed
LimitNOFILE=65536
OOMScoreAdjust=-500
NoNewPrivileges=false
PrivateTmp=false

[Install]
WantedBy=multi-user.target
`
}

/** A path as one word of a command line: systemd parts at blanks and fills in % and $ by itself. */
function word(path: string): string {
  return `"${path.replace(/[\\"]/g, '\\$&').replace(/[%$]/g, '$&$&')}"`
}
