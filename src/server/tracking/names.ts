import { randomInt } from 'node:crypto'
import { badRequest } from '../../lib/errors.ts'
import { checkLength, LIMITS } from './limits.ts'

const ADJECTIVES = (
  'able amber bemused bold brave bright brisk calm capable charming clever colorful crisp curious dapper daring dashing delicate eager ' +
  'earnest fearless fluent gentle glad gifted graceful handsome honest hopeful humble industrious intrigued invincible jolly judicious ' +
  'kindly lively lucky luminous marvelous mellow merry mysterious nimble noble orderly painted patient peaceful placid polite popular ' +
  'powerful proud quiet rare redolent resilient respected righteous rogue rumbling salty serious shining silent skillful smiling sneaky ' +
  'sincere spiffy stately steady sunny tasteful thoughtful thundering traveling trusting unique upbeat vaunted wise youthful zealous'
).split(' ')
const NOUNS = (
  'ant ape auk bass bat bear bee bird boar bug calf carp cat chimp cod colt conch cow crab crane croc crow deer doe dog dolphin donkey ' +
  'dove duck eel elk fawn finch fish flea fly foal fowl fox frog gnat goat goose grouse grub gull hare hawk hen hog horse hound jay kit ' +
  'kite koi lamb lark loon lynx mare midge mink mole moose moth mouse mule newt owl ox panda perch pig pug quail ram rat ray robin roo ' +
  'seal shad shark sheep shoat shrew shrike shrimp skink skunk sloth slug smelt snail snake snipe sow sponge squid squirrel stag steed ' +
  'stork swan tern toad trout turtle vole wasp whale wolf worm wren yak zebra'
).split(' ')

/** Names that are drawn within so many milliseconds share their words. */
const SAME_WORDS_MS = 20
let words = ''
let number = 0
let drawnAt = Number.NEGATIVE_INFINITY

/**
 * A name for a run or model that nobody named, such as `bemused-trout-670`. Those of one burst lie together in the index of
 * names: else each of hundreds of new runs a second would write a page of its own there.
 */
export function randomName(): string {
  const now = performance.now()
  if (now > drawnAt + SAME_WORDS_MS) {
    drawnAt = now
    words = `${ADJECTIVES[randomInt(ADJECTIVES.length)]}-${NOUNS[randomInt(NOUNS.length)]}`
    number = randomInt(1000)
  }
  number = (number + 1) % 1000
  return `${words}-${number}`
}

/** Checks the name of a logged model. @throws AppError bad_request */
export function checkLoggedModelName(name: string): string {
  checkLength(name, 'name', LIMITS.loggedModelName)
  if (/[/:.%"']/.test(name)) {
    throw badRequest(
      `Invalid model name (${name.slice(0, 100)}) provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '"', "'")`,
      'name',
    )
  }
  return name
}
