;; Sums of 8-bit samples by fixed-point weights, of which resampling is made, exact to the last bit.
;;
;; A weight w of 23 bits and a sign is taken apart, w = 2048 * high + low, so that both parts fit the 16 bits of
;; i32x4.dot_i16x8_s, which multiplies and adds two taps at once: sum = 2048 * dot(high) + dot(low) + half.
;; Weights lie in memory by pairs of taps: high0 high1 low0 low1, 16 bits each; a pair's second tap may weigh nothing.
;; Up to 16 bytes are read behind the samples and up to 8 written behind the outputs.
(module
  (memory (export "memory") 1)

  ;; 2048 * high + low, without its 22 bits behind the point, within 0 and 255, in the lowest bytes.
  (func $settled (param $high v128) (param $low v128) (result v128)
    (i32x4.shr_s
      (i32x4.add (i32x4.shl (local.get $high) (i32.const 11)) (local.get $low))
      (i32.const 22)))

  ;; One pass along lines of RGB pixels. For each of `width` outputs `places` holds the first tap's offset in its line, in
  ;; bytes, and its number of pairs of taps; its weights begin `stride` bytes after those of the output before.
  (func (export "across")
    (param $line i32) (param $bytes i32) (param $lines i32)
    (param $places i32) (param $weights i32) (param $stride i32)
    (param $width i32) (param $out i32)
    (local $end i32) (local $x i32) (local $place i32) (local $row i32) (local $at i32) (local $w i32) (local $stop i32)
    (local $pixels v128) (local $high v128) (local $low v128) (local $half v128)
    (local.set $half (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
    (local.set $end (i32.add (local.get $line) (i32.mul (local.get $bytes) (local.get $lines))))
    (block $done
      (loop $next_line
        (br_if $done (i32.ge_u (local.get $line) (local.get $end)))
        (local.set $x (local.get $width))
        (local.set $place (local.get $places))
        (local.set $row (local.get $weights))
        (loop $next_output
          (local.set $at (i32.add (local.get $line) (i32.load (local.get $place))))
          (local.set $w (local.get $row))
          (local.set $stop
            (i32.add (local.get $row) (i32.shl (i32.load offset=4 (local.get $place)) (i32.const 3))))
          (local.set $high (v128.const i32x4 0 0 0 0))
          (local.set $low (local.get $half))
          (loop $next_pair
            (local.set $pixels (v128.load64_zero (local.get $at)))
            ;; r0 r1 g0 g1 b0 b1 in 16 bits each; byte 8 and those after it are zero.
            (local.set $pixels
              (i8x16.shuffle 0 8 3 8 1 8 4 8 2 8 5 8 8 8 8 8 (local.get $pixels) (local.get $pixels)))
            (local.set $high
              (i32x4.add (local.get $high)
                (i32x4.dot_i16x8_s (local.get $pixels) (v128.load32_splat (local.get $w)))))
            (local.set $low
              (i32x4.add (local.get $low)
                (i32x4.dot_i16x8_s (local.get $pixels) (v128.load32_splat offset=4 (local.get $w)))))
            (local.set $at (i32.add (local.get $at) (i32.const 6)))
            (local.set $w (i32.add (local.get $w) (i32.const 8)))
            (br_if $next_pair (i32.lt_u (local.get $w) (local.get $stop))))
          (local.set $pixels (call $settled (local.get $high) (local.get $low)))
          (local.set $pixels (i16x8.narrow_i32x4_s (local.get $pixels) (local.get $pixels)))
          (v128.store32_lane 0 (local.get $out)
            (i8x16.narrow_i16x8_u (local.get $pixels) (local.get $pixels)))
          (local.set $out (i32.add (local.get $out) (i32.const 3)))
          (local.set $place (i32.add (local.get $place) (i32.const 8)))
          (local.set $row (i32.add (local.get $row) (local.get $stride)))
          (br_if $next_output (local.tee $x (i32.sub (local.get $x) (i32.const 1)))))
        (local.set $line (i32.add (local.get $line) (local.get $bytes)))
        (br $next_line))))

  ;; One output line of the pass down: the weighted sum of `pairs` pairs of lines of `bytes` samples.
  (func (export "down")
    (param $line i32) (param $bytes i32) (param $weights i32) (param $pairs i32) (param $out i32)
    (local $end i32) (local $at i32) (local $w i32) (local $stop i32)
    (local $a v128) (local $b v128) (local $first v128) (local $second v128)
    (local $high_first v128) (local $high_second v128) (local $low_first v128) (local $low_second v128)
    (local $high v128) (local $low v128)
    (local.set $end (i32.add (local.get $line) (local.get $bytes)))
    (local.set $stop (i32.add (local.get $weights) (i32.shl (local.get $pairs) (i32.const 3))))
    (block $done
      (loop $next_eight
        (br_if $done (i32.ge_u (local.get $line) (local.get $end)))
        (local.set $at (local.get $line))
        (local.set $w (local.get $weights))
        (local.set $high_first (v128.const i32x4 0 0 0 0))
        (local.set $high_second (v128.const i32x4 0 0 0 0))
        (local.set $low_first (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
        (local.set $low_second (local.get $low_first))
        (loop $next_pair
          (local.set $a (v128.load64_zero (local.get $at)))
          (local.set $at (i32.add (local.get $at) (local.get $bytes)))
          (local.set $b (v128.load64_zero (local.get $at)))
          (local.set $at (i32.add (local.get $at) (local.get $bytes)))
          ;; a0 b0 a1 b1 a2 b2 a3 b3 in 16 bits each, then the other four.
          (local.set $first
            (i8x16.shuffle 0 8 16 8 1 8 17 8 2 8 18 8 3 8 19 8 (local.get $a) (local.get $b)))
          (local.set $second
            (i8x16.shuffle 4 8 20 8 5 8 21 8 6 8 22 8 7 8 23 8 (local.get $a) (local.get $b)))
          (local.set $high (v128.load32_splat (local.get $w)))
          (local.set $low (v128.load32_splat offset=4 (local.get $w)))
          (local.set $high_first
            (i32x4.add (local.get $high_first) (i32x4.dot_i16x8_s (local.get $first) (local.get $high))))
          (local.set $high_second
            (i32x4.add (local.get $high_second) (i32x4.dot_i16x8_s (local.get $second) (local.get $high))))
          (local.set $low_first
            (i32x4.add (local.get $low_first) (i32x4.dot_i16x8_s (local.get $first) (local.get $low))))
          (local.set $low_second
            (i32x4.add (local.get $low_second) (i32x4.dot_i16x8_s (local.get $second) (local.get $low))))
          (local.set $w (i32.add (local.get $w) (i32.const 8)))
          (br_if $next_pair (i32.lt_u (local.get $w) (local.get $stop))))
        (local.set $first
          (i16x8.narrow_i32x4_s
            (call $settled (local.get $high_first) (local.get $low_first))
            (call $settled (local.get $high_second) (local.get $low_second))))
        (v128.store64_lane 0 (local.get $out) (i8x16.narrow_i16x8_u (local.get $first) (local.get $first)))
        (local.set $line (i32.add (local.get $line) (i32.const 8)))
        (local.set $out (i32.add (local.get $out) (i32.const 8)))
        (br $next_eight)))))
