;; The fast way through one row of logits: WebAssembly with 128-bit vectors. Regenerate the bytes
;; after a change: npm run kernel. What each function promises is in row-kernel.ts, its only caller,
;; which also lays the memory out. Addresses are in bytes.
;;
;; A row is cut into blocks of 256 floats (1024 bytes); the last one is padded with -inf. `scan` notes
;; the largest entry of each block, and everything else skips blocks that cannot matter. No entry is
;; NaN and the largest is finite: the caller sees to that.
(module
  (memory (export "memory") 1)

  ;; Notes the largest entry of each block from `row` to `end` at `maxima`.
  ;; Returns the largest of all, or NaN if any entry is NaN.
  (func (export "scan") (param $row i32) (param $end i32) (param $maxima i32) (result f32)
    (local $stop i32)
    (local $x v128) (local $y v128)
    (local $a v128) (local $b v128)
    (local $all v128) (local $nan v128)
    (local.set $all (v128.const f32x4 -inf -inf -inf -inf))
    (block $done
      (loop $blocks
        (br_if $done (i32.ge_u (local.get $row) (local.get $end)))
        (local.set $stop (i32.add (local.get $row) (i32.const 1024)))
        (local.set $a (v128.const f32x4 -inf -inf -inf -inf))
        (local.set $b (v128.const f32x4 -inf -inf -inf -inf))
        (loop $entries
          (local.set $x (v128.load (local.get $row)))
          (local.set $y (v128.load offset=16 (local.get $row)))
          (local.set $nan (v128.or (local.get $nan) (f32x4.ne (local.get $x) (local.get $x))))
          (local.set $nan (v128.or (local.get $nan) (f32x4.ne (local.get $y) (local.get $y))))
          (local.set $a (f32x4.pmax (local.get $a) (local.get $x)))
          (local.set $b (f32x4.pmax (local.get $b) (local.get $y)))
          (local.set $row (i32.add (local.get $row) (i32.const 32)))
          (br_if $entries (i32.lt_u (local.get $row) (local.get $stop))))
        (local.set $a (call $largestOfLanes (f32x4.pmax (local.get $a) (local.get $b))))
        (f32.store (local.get $maxima) (f32x4.extract_lane 0 (local.get $a)))
        (local.set $maxima (i32.add (local.get $maxima) (i32.const 4)))
        (local.set $all (f32x4.pmax (local.get $all) (local.get $a)))
        (br $blocks)))
    (if (v128.any_true (local.get $nan)) (then (return (f32.const nan))))
    (f32x4.extract_lane 0 (local.get $all)))

  ;; The largest of four lanes, in every lane.
  (func $largestOfLanes (param $x v128) (result v128)
    (local.set $x
      (f32x4.pmax
        (local.get $x)
        (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $x) (local.get $x))))
    (f32x4.pmax
      (local.get $x)
      (i8x16.shuffle 4 5 6 7 0 1 2 3 12 13 14 15 8 9 10 11 (local.get $x) (local.get $x))))

  ;; The address of the first float from `at` to `end` that equals `value`; `end` if none does.
  (func (export "find") (param $at i32) (param $end i32) (param $value f32) (result i32)
    (local $mask i32)
    (block $done
      (loop $entries
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $mask
          (i32x4.bitmask
            (f32x4.eq (v128.load (local.get $at)) (f32x4.splat (local.get $value)))))
        (if (local.get $mask)
          (then
            (return
              (i32.add
                (local.get $at)
                (i32.shl (i32.ctz (local.get $mask)) (i32.const 2))))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $entries)))
    (local.get $end))

  ;; How many entries are at least `least`.
  (func (export "count") (param $row i32) (param $maxima i32) (param $maximaEnd i32)
    (param $least f32) (result i32)
    (local $at i32) (local $stop i32) (local $count i32)
    (local $lanes v128) (local $limit v128)
    (local.set $limit (f32x4.splat (local.get $least)))
    (block $done
      (loop $blocks
        (br_if $done (i32.ge_u (local.get $maxima) (local.get $maximaEnd)))
        (if (f32.ge (f32.load (local.get $maxima)) (local.get $least))
          (then
            (local.set $at (local.get $row))
            (local.set $stop (i32.add (local.get $row) (i32.const 1024)))
            (local.set $lanes (v128.const i32x4 0 0 0 0))
            (loop $entries
              (local.set $lanes
                (i32x4.sub
                  (local.get $lanes)
                  (f32x4.ge (v128.load (local.get $at)) (local.get $limit))))
              (local.set $at (i32.add (local.get $at) (i32.const 16)))
              (br_if $entries (i32.lt_u (local.get $at) (local.get $stop))))
            (local.set $count
              (i32.add
                (local.get $count)
                (i32.add
                  (i32.add
                    (i32x4.extract_lane 0 (local.get $lanes))
                    (i32x4.extract_lane 1 (local.get $lanes)))
                  (i32.add
                    (i32x4.extract_lane 2 (local.get $lanes))
                    (i32x4.extract_lane 3 (local.get $lanes))))))))
        (local.set $row (i32.add (local.get $row) (i32.const 1024)))
        (local.set $maxima (i32.add (local.get $maxima) (i32.const 4)))
        (br $blocks)))
    (local.get $count))

  ;; Writes the ids of the entries that are at least `least` to `out`, ascending, as i32.
  ;; `row` is the address of id 0. Returns how many.
  (func (export "collect") (param $row i32) (param $maxima i32) (param $maximaEnd i32)
    (param $least f32) (param $out i32) (result i32)
    (local $at i32) (local $stop i32) (local $mask i32) (local $next i32) (local $block i32)
    (local $limit v128)
    (local.set $limit (f32x4.splat (local.get $least)))
    (local.set $next (local.get $out))
    (local.set $block (local.get $row))
    (block $done
      (loop $blocks
        (br_if $done (i32.ge_u (local.get $maxima) (local.get $maximaEnd)))
        (if (f32.ge (f32.load (local.get $maxima)) (local.get $least))
          (then
            (local.set $at (local.get $block))
            (local.set $stop (i32.add (local.get $block) (i32.const 1024)))
            (loop $entries
              (local.set $mask
                (i32x4.bitmask (f32x4.ge (v128.load (local.get $at)) (local.get $limit))))
              (if (local.get $mask)
                (then
                  (loop $lanes
                    (i32.store
                      (local.get $next)
                      (i32.add
                        (i32.shr_u (i32.sub (local.get $at) (local.get $row)) (i32.const 2))
                        (i32.ctz (local.get $mask))))
                    (local.set $next (i32.add (local.get $next) (i32.const 4)))
                    (local.set $mask
                      (i32.and
                        (local.get $mask)
                        (i32.sub (local.get $mask) (i32.const 1))))
                    (br_if $lanes (local.get $mask)))))
              (local.set $at (i32.add (local.get $at) (i32.const 16)))
              (br_if $entries (i32.lt_u (local.get $at) (local.get $stop))))))
        (local.set $block (i32.add (local.get $block) (i32.const 1024)))
        (local.set $maxima (i32.add (local.get $maxima) (i32.const 4)))
        (br $blocks)))
    (i32.shr_u (i32.sub (local.get $next) (local.get $out)) (i32.const 2)))

  ;; With d = (x - max) * scale of each entry x: writes e^d where d > cut, else 0, as doubles to `out`
  ;; (its place for the next block is `stride` further on: 0 keeps only the last block), and the sum of
  ;; e^d and the sum of d * e^d over all of them to `results`, two lanes each. cut >= -64 ln 2.
  ;;
  ;; e^d = 2^k * 2^f, k the integer next to d / ln 2, |f| <= 1/2. Adding 1.5 * 2^52 leaves k in the low
  ;; bits of the double; from there it is shifted into the exponent. 2^f is a polynomial through 1 at
  ;; f = 0 with a relative error below 1.2e-10.
  (func (export "exponentials") (param $row i32) (param $maxima i32) (param $maximaEnd i32)
    (param $max f64) (param $scale f64) (param $cut f64)
    (param $out i32) (param $stride i32) (param $results i32)
    (local $at i32) (local $to i32) (local $stop i32)
    (local $maxes v128) (local $scales v128) (local $cuts v128)
    (local $d v128) (local $counts v128) (local $f2 v128) (local $k v128) (local $f v128) (local $e v128)
    (local $sum v128) (local $weighted v128)
    (local $sums v128) (local $weighteds v128)
    (local.set $maxes (f64x2.splat (local.get $max)))
    (local.set $scales (f64x2.splat (local.get $scale)))
    (local.set $cuts (f64x2.splat (local.get $cut)))
    (block $done
      (loop $blocks
        (br_if $done (i32.ge_u (local.get $maxima) (local.get $maximaEnd)))
        (if
          (f64.gt
            (f64.mul
              (f64.sub (f64.promote_f32 (f32.load (local.get $maxima))) (local.get $max))
              (local.get $scale))
            (local.get $cut))
          (then
            (local.set $at (local.get $row))
            (local.set $to (local.get $out))
            (local.set $sum (v128.const f64x2 0 0))
            (local.set $weighted (v128.const f64x2 0 0))
            (local.set $stop (i32.add (local.get $row) (i32.const 1024)))
            (loop $entries
              (local.set $d
                (f64x2.mul
                  (f64x2.sub
                    (f64x2.promote_low_f32x4 (v128.load64_zero (local.get $at)))
                    (local.get $maxes))
                  (local.get $scales)))
              (local.set $counts (f64x2.gt (local.get $d) (local.get $cuts)))
              ;; What is far below, also -inf, becomes a number that 0 can be multiplied with.
              (local.set $d (f64x2.pmax (v128.const f64x2 -45 -45) (local.get $d)))
              (local.set $f
                (f64x2.mul
                  (local.get $d)
                  (v128.const f64x2 1.4426950408889634 1.4426950408889634)))
              (local.set $k
                (f64x2.add
                  (local.get $f)
                  (v128.const f64x2 6755399441055744 6755399441055744)))
              (local.set $f
                (f64x2.sub
                  (local.get $f)
                  (f64x2.sub
                    (local.get $k)
                    (v128.const f64x2 6755399441055744 6755399441055744))))
              ;; In pairs of terms, not term by term: a chain of dependent steps takes 1.2 times as long.
              (local.set $f2 (f64x2.mul (local.get $f) (local.get $f)))
              (local.set $e
                (f64x2.add
                  (f64x2.add
                    (v128.const f64x2 0.009618056678510593 0.009618056678510593)
                    (f64x2.mul
                      (v128.const f64x2 0.0013333502386325942 0.0013333502386325942)
                      (local.get $f)))
                  (f64x2.mul
                    (local.get $f2)
                    (f64x2.add
                      (v128.const f64x2 0.00015461444703027014 0.00015461444703027014)
                      (f64x2.mul
                        (v128.const f64x2 0.000015297323732038216 0.000015297323732038216)
                        (local.get $f))))))
              (local.set $e
                (f64x2.add
                  (f64x2.add
                    (v128.const f64x2 0.24022650922288846 0.24022650922288846)
                    (f64x2.mul
                      (v128.const f64x2 0.055504108839094145 0.055504108839094145)
                      (local.get $f)))
                  (f64x2.mul (local.get $f2) (local.get $e))))
              (local.set $e
                (f64x2.add
                  (f64x2.add
                    (v128.const f64x2 1 1)
                    (f64x2.mul
                      (v128.const f64x2 0.6931471805599453 0.6931471805599453)
                      (local.get $f)))
                  (f64x2.mul (local.get $f2) (local.get $e))))
              (local.set $e
                (v128.and
                  (i64x2.add (local.get $e) (i64x2.shl (local.get $k) (i32.const 52)))
                  (local.get $counts)))
              (local.set $sum (f64x2.add (local.get $sum) (local.get $e)))
              (local.set $weighted
                (f64x2.add (local.get $weighted) (f64x2.mul (local.get $e) (local.get $d))))
              (v128.store (local.get $to) (local.get $e))
              (local.set $to (i32.add (local.get $to) (i32.const 16)))
              (local.set $at (i32.add (local.get $at) (i32.const 8)))
              (br_if $entries (i32.lt_u (local.get $at) (local.get $stop))))
            (local.set $sums (f64x2.add (local.get $sums) (local.get $sum)))
            (local.set $weighteds (f64x2.add (local.get $weighteds) (local.get $weighted))))
          (else
            (memory.fill (local.get $out) (i32.const 0) (local.get $stride))))
        (local.set $out (i32.add (local.get $out) (local.get $stride)))
        (local.set $row (i32.add (local.get $row) (i32.const 1024)))
        (local.set $maxima (i32.add (local.get $maxima) (i32.const 4)))
        (br $blocks)))
    (v128.store (local.get $results) (local.get $sums))
    (v128.store offset=16 (local.get $results) (local.get $weighteds)))

  ;; Multiplies the doubles from `at` to `end`, a multiple of 16 bytes, by `factor`.
  (func (export "multiply") (param $at i32) (param $end i32) (param $factor f64)
    (local $factors v128)
    (local.set $factors (f64x2.splat (local.get $factor)))
    (block $done
      (loop $entries
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (v128.store
          (local.get $at)
          (f64x2.mul (v128.load (local.get $at)) (local.get $factors)))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $entries))))

  ;; The first id from `id` (a multiple of 4) on, rounded down to a multiple of 4, whose entry could win
  ;; a draw; -1 if none could. An entry with g = (x - max) * scale + offset could win only if
  ;; the logarithm of what its noise bits lack to 2^32 is small enough: see gumbel-draw.ts. Here both
  ;; are in the units of a float's bit pattern, 2^23 per factor of two, where the pattern itself is a
  ;; lower bound of the logarithm. Everything is rounded to the side that lets an entry through.
  (func (export "contender") (param $id i32) (param $row i32) (param $size i32) (param $maxima i32)
    (param $max f32) (param $scale f32) (param $offset f32) (param $keyA i32) (param $keyB i32)
    (result i32)
    (local $stop i32)
    (local $x v128) (local $bits v128)
    (local $maxes v128) (local $scales v128) (local $offsets v128)
    (local $keysA v128) (local $keysB v128)
    (local.set $maxes (f32x4.splat (local.get $max)))
    (local.set $scales (f32x4.splat (local.get $scale)))
    (local.set $offsets (f32x4.splat (local.get $offset)))
    (local.set $keysA (i32x4.splat (local.get $keyA)))
    (local.set $keysB (i32x4.splat (local.get $keyB)))
    (block $done
      (loop $blocks
        (br_if $done (i32.ge_u (local.get $id) (local.get $size)))
        (local.set $stop
          (i32.add (i32.and (local.get $id) (i32.const -256)) (i32.const 256)))
        ;; Below 124 * 2^23 an entry loses even with the largest noise there is.
        (if
          (f32.ge
            (f32.add
              (f32.mul
                (f32.sub
                  (f32.load
                    (i32.add
                      (local.get $maxima)
                      (i32.shl (i32.shr_u (local.get $id) (i32.const 8)) (i32.const 2))))
                  (local.get $max))
                (local.get $scale))
              (local.get $offset))
            (f32.const 1040187392))
          (then
            (loop $entries
              (local.set $x
                (f32x4.add
                  (f32x4.mul
                    (f32x4.sub
                      (v128.load
                        (i32.add (local.get $row) (i32.shl (local.get $id) (i32.const 2))))
                      (local.get $maxes))
                    (local.get $scales))
                  (local.get $offsets)))
              ;; mix() of noise.ts on four ids.
              (local.set $bits
                (v128.xor
                  (i32x4.add (i32x4.splat (local.get $id)) (v128.const i32x4 0 1 2 3))
                  (local.get $keysA)))
              (local.set $bits
                (i32x4.mul
                  (v128.xor (local.get $bits) (i32x4.shr_u (local.get $bits) (i32.const 17)))
                  (i32x4.splat (i32.const 0xed5ad4bb))))
              (local.set $bits
                (v128.xor (local.get $bits) (i32x4.shr_u (local.get $bits) (i32.const 11))))
              (local.set $bits
                (i32x4.mul
                  (i32x4.add (local.get $bits) (local.get $keysB))
                  (i32x4.splat (i32.const 0xac4c1b51))))
              (local.set $bits
                (i32x4.mul
                  (v128.xor (local.get $bits) (i32x4.shr_u (local.get $bits) (i32.const 15)))
                  (i32x4.splat (i32.const 0x31848bab))))
              (local.set $bits
                (v128.xor (local.get $bits) (i32x4.shr_u (local.get $bits) (i32.const 14))))
              ;; What the bits lack, halved so that it converts as a signed number.
              (local.set $bits (i32x4.shr_u (v128.not (local.get $bits)) (i32.const 1)))
              (if
                (v128.any_true
                  (f32x4.le
                    (f32x4.convert_i32x4_s (f32x4.convert_i32x4_s (local.get $bits)))
                    (local.get $x)))
                (then (return (local.get $id))))
              (local.set $id (i32.add (local.get $id) (i32.const 4)))
              (br_if $entries (i32.lt_u (local.get $id) (local.get $stop))))))
        (local.set $id (local.get $stop))
        (br $blocks)))
    (i32.const -1))

  ;; Counts the entries of a row by their depth below `max`, in buckets of equal width on a logarithmic
  ;; scale: the bits of the float depth + 2^-6, without the last 14, from 2^-6 to 2^7. Deeper entries
  ;; are counted in the last bucket. `counts` holds 6657 integers, which are 0 before.
  (func (export "countDepths") (param $row i32) (param $end i32) (param $max f32) (param $counts i32)
    (local $bucket i32)
    (local $maxes v128) (local $at v128) (local $base v128)
    (local.set $maxes (f32x4.splat (local.get $max)))
    ;; 121 is the biased exponent of 2^-6.
    (local.set $base
      (i32x4.sub
        (i32x4.splat (local.get $counts))
        (i32x4.splat (i32.const 247808))))
    (block $done
      (loop $entries
        (br_if $done (i32.ge_u (local.get $row) (local.get $end)))
        (local.set $at
          (f32x4.pmin
            (f32x4.add
              (f32x4.sub (local.get $maxes) (v128.load (local.get $row)))
              (v128.const f32x4 0x1p-6 0x1p-6 0x1p-6 0x1p-6))
            (v128.const f32x4 0x1p7 0x1p7 0x1p7 0x1p7)))
        ;; The address of each entry's bucket.
        (local.set $at
          (i32x4.add
            (i32x4.shl (i32x4.shr_u (local.get $at) (i32.const 14)) (i32.const 2))
            (local.get $base)))
        (local.set $bucket (i32x4.extract_lane 0 (local.get $at)))
        (i32.store
          (local.get $bucket)
          (i32.add (i32.load (local.get $bucket)) (i32.const 1)))
        (local.set $bucket (i32x4.extract_lane 1 (local.get $at)))
        (i32.store
          (local.get $bucket)
          (i32.add (i32.load (local.get $bucket)) (i32.const 1)))
        (local.set $bucket (i32x4.extract_lane 2 (local.get $at)))
        (i32.store
          (local.get $bucket)
          (i32.add (i32.load (local.get $bucket)) (i32.const 1)))
        (local.set $bucket (i32x4.extract_lane 3 (local.get $at)))
        (i32.store
          (local.get $bucket)
          (i32.add (i32.load (local.get $bucket)) (i32.const 1)))
        (local.set $row (i32.add (local.get $row) (i32.const 16)))
        (br $entries))))
)
