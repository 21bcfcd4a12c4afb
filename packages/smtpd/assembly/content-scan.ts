// Content scan: passes over content that is plain, 64 octets at a step, and deletes the dots that begin its lines. It is written in
// AssemblyScript, which looks like TypeScript and becomes WebAssembly; `scripts/make-content-scan.mjs` compiles it into
// `src/protocol/content-scan-module.ts`, and `src/protocol/content-scanner.ts` calls it.
//
// It decides nothing. It stops at the first octet that needs a decision, and may stop before it: a CR or an LF that stands
// alone, a dot that may end the content, the last octets of what there is. What to do there says the table of the data decoder.

/** Where the results lie, one f64 behind the other: a line may have more octets than an i32 can count. */
const CONTENT_END: usize = 0;
const LINE_BYTES: usize = 8;
const LONGEST_LINE_BYTES: usize = 16;
const IS_LINE_START: usize = 24;

/** Octets of one step. */
const STEP: i32 = 64;
/** A step looks at the LF behind its last CR, at the dot that may follow, and at one octet more. */
const LOOKAHEAD: i32 = 3;

const CR: u8 = 0x0d;
const LF: u8 = 0x0a;
const DOT: u8 = 0x2e;

/**
 * Passes over the octets from `start`, as far as they are plain, and moves those behind a deleted dot down over it: what is content
 * lies between `start` and the CONTENT_END of the results. Returns where it stopped; start <= CONTENT_END <= stop <= end.
 *
 * No CR goes before `start` whose LF could stand there. `lineBytes` are the octets of the line that began before. Where
 * `isStuffed` is 0 no dot is deleted.
 */
export function scan(start: i32, end: i32, isLineStart: i32, lineBytes: f64, isStuffed: i32): i32 {
  const lastStep = end - STEP - LOOKAHEAD;
  let at = start;
  let contentEnd = start;
  let kept = start; // [kept, at) is content that has not been moved down yet.
  let lineStart = <i64>start - <i64>lineBytes; // So that a CR there would end a line of no octets.
  let longestLineBytes: i64 = 0;
  let mayGoOn = start <= lastStep && load<u8>(start) != LF;

  if (mayGoOn && isLineStart && isStuffed && load<u8>(start) == DOT) {
    mayGoOn = load<u8>(start, 1) != CR;
    if (mayGoOn) {
      kept += 1;
      lineStart += 1;
    }
  }

  const crs = i8x16.splat(CR);
  const lfs = i8x16.splat(LF);
  while (mayGoOn && at <= lastStep) {
    // Where there are CRs, and where there are LFs one octet on: the same places, when all is well.
    const cr0 = i8x16.eq(v128.load(at), crs);
    const cr1 = i8x16.eq(v128.load(at, 16), crs);
    const cr2 = i8x16.eq(v128.load(at, 32), crs);
    const cr3 = i8x16.eq(v128.load(at, 48), crs);
    const lf0 = i8x16.eq(v128.load(at, 1), lfs);
    const lf1 = i8x16.eq(v128.load(at, 17), lfs);
    const lf2 = i8x16.eq(v128.load(at, 33), lfs);
    const lf3 = i8x16.eq(v128.load(at, 49), lfs);
    const alone = v128.or(
      v128.or(v128.xor(cr0, lf0), v128.xor(cr1, lf1)),
      v128.or(v128.xor(cr2, lf2), v128.xor(cr3, lf3)),
    );

    let lineEnds = bits(cr0, cr1, cr2, cr3); // One bit for each CR, the first octet's the lowest.
    let passed = STEP;
    if (v128.any_true(alone)) {
      passed = <i32>ctz(lineEnds ^ bits(lf0, lf1, lf2, lf3));
      lineEnds &= ((<u64>1) << passed) - 1;
      mayGoOn = false;
    }

    while (lineEnds != 0) {
      const lineEnd = at + <i32>ctz(lineEnds);
      lineEnds &= lineEnds - 1; // without its lowest bit
      longestLineBytes = max(longestLineBytes, <i64>lineEnd - lineStart);
      let next = lineEnd + 2;
      if (load<u8>(next) == DOT && isStuffed) {
        if (load<u8>(next, 1) == CR) {
          passed = next - at;
          lineEnds = 0;
          mayGoOn = false;
        } else {
          contentEnd = moveDown(kept, next, contentEnd);
          next += 1;
          kept = next;
        }
      }
      lineStart = next;
    }
    at += passed;
  }

  at = <i32>max(<i64>at, lineStart); // The last step may have looked further than its own octets.
  store<f64>(IS_LINE_START, at > start ? <f64>(load<u8>(at - 1) == LF) : <f64>isLineStart);
  store<f64>(CONTENT_END, <f64>moveDown(kept, at, contentEnd));
  store<f64>(LINE_BYTES, <f64>(<i64>at - lineStart));
  store<f64>(LONGEST_LINE_BYTES, <f64>longestLineBytes);
  return at;
}

/** Moves [start, end) down to `target`. Returns the end of it there. */
function moveDown(start: i32, end: i32, target: i32): i32 {
  if (target != start) memory.copy(target, start, end - start);
  return target + end - start;
}

/** The highest bit of each of the 64 octets. */
function bits(octets0: v128, octets1: v128, octets2: v128, octets3: v128): u64 {
  return (
    (<u64>i8x16.bitmask(octets0)) |
    ((<u64>i8x16.bitmask(octets1)) << 16) |
    ((<u64>i8x16.bitmask(octets2)) << 32) |
    ((<u64>i8x16.bitmask(octets3)) << 48)
  );
}
