"""Trains a model of the pocket pair from scratch and writes it as GGUF.

    python -m pocket_training.train --problems problems.jsonl --tokenizer tokenizer.json \\
        --shape large --tokens 14e6 --seed 1 --out pocket-large

Reads problems that `write-data.ts` writes. A checkpoint every minute; started again with the same
arguments it goes on from there. Everything random comes from --seed.
"""
import argparse
import os
import pathlib
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from .average import Average
from .data import ROW_LENGTH, load, padded
from .gguf_file import write_gguf
from .model import SHAPES, Model

BATCH_SIZE = 32
WARM_STEP_COUNT = 100
# Muon's updates, scaled to the size of Adam's late ones, take a higher rate (docs/LOG.md).
MATRIX_RATE_FACTOR = 5
WEIGHT_DECAY = 0.05
GRADIENT_NORM_MAX = 1.0
CHECKPOINT_SECONDS = 60
REPORT_STEP_COUNT = 50
STOP_CHECK_STEP_COUNT = 10


class Optimiser:
    """Muon (K. Jordan, 2024) for the matrices of the blocks, AdamW for everything else."""

    def __init__(self, model, rate):
        matrices = [p for block in model.blocks for p in block.parameters() if p.ndim == 2]
        taken = {id(p) for p in matrices}
        others = [p for p in model.parameters() if id(p) not in taken]
        self.rate = rate
        self.parts = [
            torch.optim.Muon(matrices, lr=rate, weight_decay=WEIGHT_DECAY, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY),
        ]

    def step(self, factor):
        """factor: of the learning rate, 0 to 1."""
        for part, scale in zip(self.parts, (MATRIX_RATE_FACTOR, 1)):
            for group in part.param_groups:
                group["lr"] = self.rate * factor * scale
            part.step()
            part.zero_grad()

    def state_dict(self):
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, state):
        for part, kept in zip(self.parts, state):
            part.load_state_dict(kept)


def rate_factor(step, step_count):
    """A linear warm-up, then a linear decay to zero."""
    return min(1.0, (step + 1) / WARM_STEP_COUNT) * (1 - step / step_count)


def loss_of(forward, inputs, targets, weights):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = forward(inputs)
    losses = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none")
    return (losses * weights.flatten()).sum() / weights.sum()


def train(model, data, held_out, args):
    optimiser = Optimiser(model, args.rate)
    average = None if args.until is None else Average(model)
    random = np.random.default_rng(args.seed)
    step_count = int(args.tokens / (BATCH_SIZE * ROW_LENGTH))
    checkpoint = pathlib.Path(f"{args.out}.checkpoint.pt")
    first, spent = resume(checkpoint, [model, optimiser, average], random)
    forward = torch.compile(model) if args.compile else model
    started = saved = time.time()
    for step in range(first, step_count):
        loss = loss_of(forward, *data.batch(random, BATCH_SIZE))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_NORM_MAX)
        optimiser.step(rate_factor(step, step_count))
        if average is not None:
            average.add(model)
        is_last = step == step_count - 1 or is_good_enough(average, held_out, step, args.until)
        if step % REPORT_STEP_COUNT == 0 or is_last:
            seconds = spent + time.time() - started
            print(f"step {step} of {step_count}, loss {loss.item():.4f}, {seconds:.0f} s", flush=True)
        if time.time() - saved > CHECKPOINT_SECONDS or is_last:
            saved = time.time()
            keep(checkpoint, dict(
                parts=[part and part.state_dict() for part in (model, optimiser, average)],
                step=step + 1, random=random.bit_generator.state, spent=spent + saved - started,
            ))
        if is_last:
            break
    if average is not None:
        model.load_state_dict(average.state_dict())


def is_good_enough(average, held_out, step, until):
    """Whether the averaged weights answer the share `until` of the held-out problems."""
    if average is None or step < WARM_STEP_COUNT or step % STOP_CHECK_STEP_COUNT != 0:
        return False
    share = average.right_share(*held_out)
    print(f"step {step}: {share:.3f} of the held-out problems", flush=True)
    return share >= until


def resume(checkpoint, parts, random):
    """-> the step to go on with, and the seconds spent before."""
    if not checkpoint.exists():
        return 0, 0.0
    kept = torch.load(checkpoint, weights_only=False)
    for part, state in zip(parts, kept["parts"]):
        if part is not None:
            part.load_state_dict(state)
    random.bit_generator.state = kept["random"]
    print(f"goes on at step {kept['step']}", flush=True)
    return kept["step"], kept["spent"]


def keep(checkpoint, state):
    """Whole or not at all: a run that is stopped while it saves loses a minute, not the training."""
    partial = checkpoint.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, checkpoint)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--problems", required=True, help="JSON lines that write-data.ts writes")
    parser.add_argument("--tokenizer", required=True, help="file of the tokenizer; made if missing")
    parser.add_argument("--shape", choices=SHAPES, required=True)
    parser.add_argument("--tokens", type=float, required=True, help="length of the training, at most")
    parser.add_argument("--until", type=float, help="stop where this share of --held-out is right")
    parser.add_argument("--held-out", help="problems of split test that write-data.ts writes")
    parser.add_argument("--rate", type=float, default=4e-3, help="learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--compile", action="store_true", help="faster, if there is a C++ compiler")
    parser.add_argument("--name", help="name of the model; default: the last part of --out")
    parser.add_argument("--out", required=True, help="path without ending")
    return parser.parse_args()


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    tokenizer, data = load(args.problems, args.tokenizer)
    print(f"{len(data.tokens)} tokens, {tokenizer.get_vocab_size()} pieces", flush=True)
    model = Model(tokenizer.get_vocab_size(), **SHAPES[args.shape])
    print(f"{sum(p.numel() for p in model.parameters())} parameters", flush=True)
    held_out = padded(tokenizer, args.held_out) if args.until is not None else None
    train(model, data, held_out, args)
    name = args.name or pathlib.Path(args.out).name
    extent = f"at most {int(args.tokens)}" if args.until else f"{int(args.tokens)}"
    trained = f"trained on {extent} tokens of pocket problems, seed {args.seed}"
    write_gguf(f"{args.out}.gguf", model, tokenizer, name, f"Pilotfish {name}: {trained}")
    print(f"wrote {args.out}.gguf", flush=True)


if __name__ == "__main__":
    main()
