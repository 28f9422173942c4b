;; The fast way through products of matrices: WebAssembly with 128-bit vectors. Regenerate the bytes
;; after a change: npm run kernel. What each function promises is in matrix-kernel.ts, which names the
;; panels that both read. Addresses and sizes are in bytes.
;;
;; A panel is a strip of a matrix, stored so that one step of a product reads neighbouring floats:
;; of the left matrix 4 rows (16 bytes a step), of the right one 8 columns (32 bytes a step). Ends are
;; padded with 0. Eight sums of four floats then stay in registers; more would spill, and unrolling
;; makes it slower.
(module
  (memory (export "memory") 1)

  ;; All panels of the left matrix from `left` to `leftEnd`, `panel` bytes each, times all of the right
  ;; one from `right` to `rightEnd`. Tiles of 4 x 8 floats go to `out`, whose rows have `stride` bytes.
  ;; No matrix is empty.
  (func (export "multiply")
    (param $left i32) (param $leftEnd i32) (param $panel i32)
    (param $right i32) (param $rightEnd i32)
    (param $out i32) (param $stride i32)
    (local $x i32) (local $y i32) (local $stop i32) (local $tile i32)
    (local $s v128) (local $y0 v128) (local $y1 v128)
    (local $a0 v128) (local $a1 v128) (local $b0 v128) (local $b1 v128)
    (local $c0 v128) (local $c1 v128) (local $d0 v128) (local $d1 v128)
    (loop $rightPanels
      (local.set $x (local.get $left))
      (local.set $tile (local.get $out))
      (loop $leftPanels
        (local.set $a0 (v128.const i32x4 0 0 0 0))
        (local.set $a1 (v128.const i32x4 0 0 0 0))
        (local.set $b0 (v128.const i32x4 0 0 0 0))
        (local.set $b1 (v128.const i32x4 0 0 0 0))
        (local.set $c0 (v128.const i32x4 0 0 0 0))
        (local.set $c1 (v128.const i32x4 0 0 0 0))
        (local.set $d0 (v128.const i32x4 0 0 0 0))
        (local.set $d1 (v128.const i32x4 0 0 0 0))
        (local.set $y (local.get $right))
        (local.set $stop (i32.add (local.get $x) (local.get $panel)))
        (loop $steps
          (local.set $y0 (v128.load (local.get $y)))
          (local.set $y1 (v128.load offset=16 (local.get $y)))
          (local.set $s (v128.load32_splat (local.get $x)))
          (local.set $a0 (f32x4.add (local.get $a0) (f32x4.mul (local.get $s) (local.get $y0))))
          (local.set $a1 (f32x4.add (local.get $a1) (f32x4.mul (local.get $s) (local.get $y1))))
          (local.set $s (v128.load32_splat offset=4 (local.get $x)))
          (local.set $b0 (f32x4.add (local.get $b0) (f32x4.mul (local.get $s) (local.get $y0))))
          (local.set $b1 (f32x4.add (local.get $b1) (f32x4.mul (local.get $s) (local.get $y1))))
          (local.set $s (v128.load32_splat offset=8 (local.get $x)))
          (local.set $c0 (f32x4.add (local.get $c0) (f32x4.mul (local.get $s) (local.get $y0))))
          (local.set $c1 (f32x4.add (local.get $c1) (f32x4.mul (local.get $s) (local.get $y1))))
          (local.set $s (v128.load32_splat offset=12 (local.get $x)))
          (local.set $d0 (f32x4.add (local.get $d0) (f32x4.mul (local.get $s) (local.get $y0))))
          (local.set $d1 (f32x4.add (local.get $d1) (f32x4.mul (local.get $s) (local.get $y1))))
          (local.set $x (i32.add (local.get $x) (i32.const 16)))
          (local.set $y (i32.add (local.get $y) (i32.const 32)))
          (br_if $steps (i32.lt_u (local.get $x) (local.get $stop))))
        (v128.store (local.get $tile) (local.get $a0))
        (v128.store offset=16 (local.get $tile) (local.get $a1))
        (local.set $tile (i32.add (local.get $tile) (local.get $stride)))
        (v128.store (local.get $tile) (local.get $b0))
        (v128.store offset=16 (local.get $tile) (local.get $b1))
        (local.set $tile (i32.add (local.get $tile) (local.get $stride)))
        (v128.store (local.get $tile) (local.get $c0))
        (v128.store offset=16 (local.get $tile) (local.get $c1))
        (local.set $tile (i32.add (local.get $tile) (local.get $stride)))
        (v128.store (local.get $tile) (local.get $d0))
        (v128.store offset=16 (local.get $tile) (local.get $d1))
        (local.set $tile (i32.add (local.get $tile) (local.get $stride)))
        (br_if $leftPanels (i32.lt_u (local.get $x) (local.get $leftEnd))))
      (local.set $right (local.get $y))
      (local.set $out (i32.add (local.get $out) (i32.const 32)))
      (br_if $rightPanels (i32.lt_u (local.get $right) (local.get $rightEnd)))))

  ;; One vector through a layer: for each panel of 8 units from `panels` to `panelsEnd` the sums of
  ;; inputs times weights and the bias, at least `floor`, go to `out`. The inputs from `inputs` to
  ;; `inputsEnd` are a multiple of 4 floats. Four steps have sums of their own, so that no addition
  ;; waits for the one before it.
  (func (export "layer")
    (param $inputs i32) (param $inputsEnd i32)
    (param $panels i32) (param $panelsEnd i32)
    (param $biases i32) (param $floor f32) (param $out i32)
    (local $x i32) (local $s v128)
    (local $a0 v128) (local $a1 v128) (local $b0 v128) (local $b1 v128)
    (local $c0 v128) (local $c1 v128) (local $d0 v128) (local $d1 v128)
    (loop $units
      (local.set $x (local.get $inputs))
      (local.set $a0 (v128.load (local.get $biases)))
      (local.set $a1 (v128.load offset=16 (local.get $biases)))
      (local.set $b0 (v128.const i32x4 0 0 0 0))
      (local.set $b1 (v128.const i32x4 0 0 0 0))
      (local.set $c0 (v128.const i32x4 0 0 0 0))
      (local.set $c1 (v128.const i32x4 0 0 0 0))
      (local.set $d0 (v128.const i32x4 0 0 0 0))
      (local.set $d1 (v128.const i32x4 0 0 0 0))
      (loop $steps
        (local.set $s (v128.load32_splat (local.get $x)))
        (local.set $a0
          (f32x4.add (local.get $a0) (f32x4.mul (local.get $s) (v128.load (local.get $panels)))))
        (local.set $a1
          (f32x4.add
            (local.get $a1)
            (f32x4.mul (local.get $s) (v128.load offset=16 (local.get $panels)))))
        (local.set $s (v128.load32_splat offset=4 (local.get $x)))
        (local.set $b0
          (f32x4.add
            (local.get $b0)
            (f32x4.mul (local.get $s) (v128.load offset=32 (local.get $panels)))))
        (local.set $b1
          (f32x4.add
            (local.get $b1)
            (f32x4.mul (local.get $s) (v128.load offset=48 (local.get $panels)))))
        (local.set $s (v128.load32_splat offset=8 (local.get $x)))
        (local.set $c0
          (f32x4.add
            (local.get $c0)
            (f32x4.mul (local.get $s) (v128.load offset=64 (local.get $panels)))))
        (local.set $c1
          (f32x4.add
            (local.get $c1)
            (f32x4.mul (local.get $s) (v128.load offset=80 (local.get $panels)))))
        (local.set $s (v128.load32_splat offset=12 (local.get $x)))
        (local.set $d0
          (f32x4.add
            (local.get $d0)
            (f32x4.mul (local.get $s) (v128.load offset=96 (local.get $panels)))))
        (local.set $d1
          (f32x4.add
            (local.get $d1)
            (f32x4.mul (local.get $s) (v128.load offset=112 (local.get $panels)))))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (local.set $panels (i32.add (local.get $panels) (i32.const 128)))
        (br_if $steps (i32.lt_u (local.get $x) (local.get $inputsEnd))))
      (local.set $s (f32x4.splat (local.get $floor)))
      (v128.store
        (local.get $out)
        (f32x4.max
          (local.get $s)
          (f32x4.add
            (f32x4.add (local.get $a0) (local.get $b0))
            (f32x4.add (local.get $c0) (local.get $d0)))))
      (v128.store offset=16
        (local.get $out)
        (f32x4.max
          (local.get $s)
          (f32x4.add
            (f32x4.add (local.get $a1) (local.get $b1))
            (f32x4.add (local.get $c1) (local.get $d1)))))
      (local.set $biases (i32.add (local.get $biases) (i32.const 32)))
      (local.set $out (i32.add (local.get $out) (i32.const 32)))
      (br_if $units (i32.lt_u (local.get $panels) (local.get $panelsEnd))))))
