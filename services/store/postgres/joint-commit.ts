import type { Claim, ClaimAtOnce, EscalationCommit, FoldCommit } from '../../ports.ts'
import type { Sealing } from '../sealing.ts'
import { int8Array } from './fold-arrays.ts'
import { FOLD, FOLD_PARAMETERS, FOLD_STANDS, foldValues, RULES } from './fold-commit.ts'
import { type CommitRow, isLostRace, PASS, PASS_STANDS, passValues } from './incidents-commit.ts'
import { errorCode, type Queryable } from './pool.ts'

/** Classes 22 and 23: a value itself is wrong. */
const IS_REFUSED = /^2[23]...$/
const PASS_PARAMETERS = 20
const IDS = `$${FOLD_PARAMETERS + PASS_PARAMETERS + 1}::int8[]`
const ofPass = (n: number) => `$${FOLD_PARAMETERS + n}`
const afterFold = (text: string) => text.replaceAll(/\$(\d+)/g, (_, n) => ofPass(Number(n)))

/**
 * A fold whose signals are all of one home, and the escalation's pass over it, in one autocommit statement: one wait for the
 * disk less between a press and a person. The signals are written as folded already. Their ids were drawn before, and a home's
 * inputs are numbered in the order of its folds: so where one with a higher id is there by now, none of it stands.
 */
const COMMIT = `
  with ${FOLD}, signalled as (
    insert into incident_input (home_id, input_id, body, incident_id, applied_at, applied_version, applied_pass, result, rejected)
    overriding system value
    select s.home_id, s.input_id, s.body, n.incident_id, to_timestamp(${ofPass(2)}::float8 / 1000), n.applied_version,
      ${ofPass(15)}, n.result, n.rejected
    from unnest($24::text[], $25::jsonb[], ${IDS}) s(home_id, body, input_id)
    join jsonb_to_recordset(${ofPass(5)}) as n(input_id bigint, incident_id text, applied_version bigint, result jsonb, rejected text)
      on n.input_id = s.input_id
    returning 1
  ), ${afterFold(PASS)}
  select ${FOLD_STANDS},
    refuse_lost_race((select count(*) from signalled), cardinality(${IDS})),
    refuse_lost_race((select count(*) from incident_input where home_id = ${ofPass(1)} and input_id >= (${IDS})[1]), 0),
    ${afterFold(PASS_STANDS)}`

/**
 * @returns null when nothing was written: somebody else was faster in any of it, or the database refuses a value. The fold has
 * to stand all the same then, and those of other homes with it: the longer way says whose fault it is
 */
export async function commitFoldAndPass(
  database: Queryable,
  sealing: Sealing,
  fold: FoldCommit,
  commit: EscalationCommit,
  claim: ClaimAtOnce | null,
): Promise<Claim | null> {
  const ids = commit.view.drawnIds.slice(0, fold.signals.length).map(Number)
  const { values, readClaim } = passValues(commit, claim, sealing, commit.inputs.length - ids.length)
  try {
    const { rows } = await database.query<CommitRow>({
      name: 'fold-and-incident-commit',
      text: COMMIT,
      values: [...foldValues(RULES, fold), ...values, int8Array(ids, (id) => id)],
    })
    return readClaim(rows[0])
  } catch (error) {
    if (isLostRace(error) || IS_REFUSED.test(errorCode(error))) return null
    throw new Error(`commit the fold and the incidents of home ${commit.homeId}`, { cause: error })
  }
}
