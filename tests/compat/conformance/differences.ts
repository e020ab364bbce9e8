import type { Step } from './talk.ts'

/** Where we answer otherwise than MLflow 3.17.2 on purpose: why, and for which answers. */
export type Difference = {
  why: string
  applies(place: { scenario: string; ask: string }, theirs: Step, ours: Step): boolean
}

const isTaken = (step: Step) => step.status === 200
const isInvalid = (step: Step) => step.status === 400 && step.code === 'INVALID_PARAMETER_VALUE'
const says = (step: Step, words: RegExp) => words.test(step.message ?? '')

/** We refuse, in these words, what MLflow takes (or misses something else in). */
const stricter =
  (words: RegExp, ask = /./): Difference['applies'] =>
  (place, theirs, ours) =>
    (isTaken(theirs) || theirs.status === 404) && isInvalid(ours) && says(ours, words) && ask.test(place.ask)

/** We take what MLflow refuses. */
const wider =
  (ask: RegExp, theirStatus = 400): Difference['applies'] =>
  (place, theirs, ours) =>
    theirs.status === theirStatus && isTaken(ours) && ask.test(place.ask)

/** Both take it, and the answers differ. */
const otherwise =
  (scenario: RegExp, ask: RegExp): Difference['applies'] =>
  (place, theirs, ours) =>
    isTaken(theirs) && isTaken(ours) && scenario.test(place.scenario) && ask.test(place.ask)

const any =
  (...rules: Difference['applies'][]): Difference['applies'] =>
  (...of) =>
    rules.some((rule) => rule(...of))

/** Whether two lists are alike, but for what the first leaves out (null) or leaves empty at the end of a line. */
function lacksOnlyIds(theirs: unknown, ours: unknown): boolean {
  if (!Array.isArray(theirs) || !Array.isArray(ours) || theirs.length !== ours.length) return false
  return theirs.every((their, at) => their === ours[at] || their === null || `${their}$lm` === ours[at])
}

export const DIFFERENCES: readonly Difference[] = [
  {
    why: 'MLflow fails with a 5xx, which its clients retry for minutes: a mistake of the caller is a 4xx here, or understood',
    applies: (_place, theirs, ours) => theirs.status >= 500 && ours.status <= 404,
  },
  {
    why: 'MLflow lets its database refuse, and tells the statement: here a repeated request is taken and a mistake is named',
    applies: (_place, theirs, ours) =>
      theirs.code === 'BAD_REQUEST' &&
      says(theirs, /IntegrityError|autoflush|IN expression|a collection/) &&
      ours.status <= 404,
  },
  {
    why: 'a tag that comes twice in one request is set to the later value; MLflow says that the experiment exists',
    applies: (place, theirs, ours) =>
      theirs.code === 'RESOURCE_ALREADY_EXISTS' && isTaken(ours) && place.ask.includes('experiments-double'),
  },
  {
    why: 'what is no endpoint, no file or no parameter is refused in JSON with an error code, not with a page of HTML',
    applies: (_place, theirs, ours) =>
      theirs.code === undefined &&
      ((theirs.status === 400 && isInvalid(ours)) ||
        ((theirs.status === 404 || theirs.status === 405) && ours.status === 404)),
  },
  {
    why: 'a value of another type than the field: MLflow drops it and whatever came behind it, and goes on',
    applies: stricter(/^Invalid value .* for parameter '.*' supplied\. Hint: Value was of type/s),
  },
  {
    why: 'a metric, param, tag, dataset or model without its key or id: MLflow keeps it under the empty name',
    applies: stricter(/^Missing value for required parameter '(?:params|tags|datasets|models)\[/),
  },
  {
    why: 'a tag of a new run has a key like that of any other tag, and its value ends where theirs does',
    applies: any(
      stricter(/Names may be treated as files/, /runs\/create/),
      otherwise(/^runs$/, /^POST runs\/create .*"key":"long".*\(8092 characters/),
    ),
  },
  {
    why: 'everything has a limit: these MLflow leaves to its database, and SQLite has none',
    applies: stricter(/exceeds the maximum length|can contain at most|may have at most|must be at most/),
  },
  {
    why: 'a page of no entries is refused in every search, as MLflow does in most',
    applies: stricter(/for parameter 'max_results' supplied/),
  },
  {
    why: 'only a token that this search gave out is a page token',
    applies: stricter(/^Invalid page token/),
  },
  {
    why: 'text in a filter that can mean nothing is refused, where MLflow reads over it or compares with it',
    applies: stricter(/^Invalid filter/),
  },
  {
    why: 'a filter or an order may be written in more ways than MLflow reads: blank, other prefixes and cases of an entity, quoted names, + before a number, keys that need no quotes, the aliases of a filter in an order, spaces around it',
    applies: wider(
      /"filter":" "|filter=\+$|attributes?\.|attr\.|TAGS\.TEAM|Tags\.team|%60name%60|%22name%22|%60run_id%60|%22run_id%22|metrics\.a[-/:]b|tags\.a@b|1E\+3|> \+1|%3E\+%2B1|`Run name`|DESC "\]|\[" {2}metrics|run_uuid = /,
    ),
  },
  {
    why: 'double quotes are quotes in every search; in the one of logged models MLflow makes them part of the text',
    applies: otherwise(/^models-/, /\\"(?:alpha0|a%b|a\.b c|red|Blue)\\"/),
  },
  {
    why: 'a backslash in LIKE takes the next % or _ as it is, as PostgreSQL has it, on both engines; MLflow follows its database',
    applies: otherwise(/-search$/, /LIKE '[^']*\\\\%/),
  },
  {
    why: 'a dataset without a digest means any digest, as the documentation of the search says; MLflow compares with the empty one',
    applies: otherwise(/^models-/, /"datasets":\[\{"dataset_name":"d\d"\}/),
  },
  {
    why: 'the state of a logged model is compared by its names; MLflow compares the text with a number',
    applies: otherwise(/^models-/, /status (?:!?=|IN|NOT IN) \(?'/),
  },
  {
    why: 'NaN is kept as NaN for a logged model, too; MLflow keeps 0, which then satisfies comparisons',
    applies: any(
      otherwise(/^models-search$/, /metrics\.acc > 0\.5 AND metrics\.acc < 0\.93/),
      otherwise(/^logged-models$/, /^GET logged-models\/\$full$/),
    ),
  },
  {
    why: 'a run or logged model that is not there, or was deleted, is 404 wherever it is named, not only where it is read',
    applies: (_place, theirs, ours) =>
      isTaken(theirs) &&
      ours.status === 404 &&
      ours.code === 'RESOURCE_DOES_NOT_EXIST' &&
      says(ours, /^(?:Logged model with ID|Run with id=)/),
  },
  {
    why: 'a logged model is finalized with a state that there is, and named by the path alone',
    applies: any(
      stricter(/^Missing value for required parameter 'status'/, /^PATCH logged-models/),
      wider(/^PATCH logged-models\/\$full \{"status":"LOGGED_MODEL_READY"\}$/),
    ),
  },
  {
    why: 'the key of a tag in a path may hold encoded slashes; MLflow has no way to delete such a tag',
    applies: any(
      wider(/^DELETE logged-models\/\$full\/tags\/.*%2F/, 404),
      otherwise(/^logged-models$/, /^GET logged-models\/\$full$/),
    ),
  },
  {
    why: 'field names may be in camel case in a request, and run_uuid stands for an empty run_id: MLflow looks for some of them under one name',
    applies: any(
      wider(/[?{"](?:experimentId|runId|runUuid)[="]|"run_id":"","run_uuid"/),
      otherwise(/^metrics$/, /^GET runs\/get/), // has the metric that was logged so
    ),
  },
  {
    why: 'a trailing slash of an artifact location is left off, so that all URIs below it have one slash',
    applies: otherwise(/^experiments$/, /^GET experiments\/get\?experiment_id=\$at$/),
  },
  {
    why: 'an update of a model version without a description empties it; MLflow leaves it out of the answer',
    applies: otherwise(/^registry$/, /^PATCH model-versions\/update \{"name":"registry-m","version":"1"\}$/),
  },
  {
    why: 'digits with underscores are no number',
    applies: (place, theirs, ours) => theirs.status === 404 && isInvalid(ours) && place.ask.includes('version=1_0'),
  },
  {
    why: 'a version tells which logged model it was made of, also through a version that it was copied from; MLflow forgets it',
    applies: any(
      (place, theirs, ours) => place.scenario === 'sources' && lacksOnlyIds(theirs.body, ours.body),
      wider(/"source":"models:\/sources-other\/2","model_id":"\$lm"/),
    ),
  },
  {
    why: 'a source that is followed here has no fragment and no query; MLflow keeps them as part of the address',
    applies: stricter(/^Invalid model version source/, /artifacts\/model[#?]x/),
  },
  {
    why: 'an HTTP address of the proxy below a run of this server is taken for its own run, by whatever name the server was reached; a slash at the end of models:/m-… changes nothing',
    applies: wider(/"source":"(?:https?:\/\/host\/.*\/\$r\/artifacts\/model|models:\/\$lm\/)"/),
  },
  {
    why: 'NaN and infinities without quotes are no JSON; MLflow stores 0 at time 0 for them',
    applies: stricter(/^Missing value for required parameter 'run_id'/, /"value":-?(?:NaN|Infinity),/),
  },
  {
    why: 'text that cannot be stored or is dangerous as a name (NUL, half a character, __proto__) is refused',
    applies: stricter(/must not hold a NUL|lone UTF-16 surrogate|__proto__ is not a name/),
  },
  {
    why: 'one value stands for a list of one, "true" for true and "" for nothing in a body, too, as they do in a query',
    applies: wider(
      /"(?:experiment_ids|stages)":"|"order_by":"|"archive_existing_versions":"true"|"(?:step|start_time)":""|max_results=$/,
    ),
  },
  {
    why: 'an end at time 0 is told; to MLflow 0 is no time',
    applies: otherwise(/^runs$/, /^POST runs\/update .*"end_time":0\}/),
  },
  {
    why: 'a path of an artifact is plain: no backslash, drive letter, empty or "." segment and nothing that is no UTF-8',
    applies: any(
      stricter(/^Invalid path/),
      (place, theirs, ours) => isTaken(theirs) && ours.status === 400 && place.ask.includes('/%ff.txt'),
    ),
  },
  {
    why: 'a download without its run or path misses a parameter; MLflow looks for a run of no id, or says BAD_REQUEST',
    applies: (place, theirs, ours) =>
      place.scenario === 'artifacts' &&
      (theirs.status === 404 || theirs.code === 'BAD_REQUEST') &&
      isInvalid(ours) &&
      says(ours, /^Missing value for required parameter/),
  },
  {
    why: 'an upload from the UI may say run_id as well as run_uuid, and an empty file is a file',
    applies: wider(/upload-artifact\?run_(?:id=\$bad&path=up%2Fv\.txt|uuid=\$bad&path=up%2Fnone\.txt)/),
  },
  {
    why: 'a media type is compared without regard to case, and a slash at the end of a path does no harm',
    applies: any(wider(/\[content-type: Application\/JSON\]/), wider(/^GET runs\/get\/\?/, 404)),
  },
  {
    why: 'a limit below zero asks get-history-bulk for nothing, not for everything',
    applies: otherwise(/^history$/, /metrics\/get-history-bulk\?.*max_results=-1/),
  },
  {
    why: 'OPTIONS has nothing to tell',
    applies: (place, _theirs, ours) => place.ask.startsWith('OPTIONS') && ours.code === 'ENDPOINT_NOT_FOUND',
  },
]

/** Known and not wanted: each goes when the gap is closed. */
export const GAPS: readonly Difference[] = []
