"""Trains a pocket model on to judge: behind each step it answers with a label.

    python -m pocket_training.judge --model models/pocket-large.gguf --steps steps.jsonl \\
        --tokens 1.5e6 --seed 1 --out models/pocket-judge

Reads steps that `write-steps.ts` writes. Everything random comes from --seed.
"""
import argparse
import pathlib
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from .data import read
from .gguf_file import write_gguf
from .gguf_reader import read_gguf
from .tokenizer import conversation
from .train import GRADIENT_NORM_MAX, REPORT_STEP_COUNT, Optimiser

BATCH_SIZE = 32
WARM_STEP_COUNT = 30
# As src/judging/judge-prompt.ts lays steps out for a model without a step tag.
STEP_END = "\n\n"
GOOD, BAD = " +", " -"
UNKNOWN = -1


class Steps:
    """The paths of many problems as rows of tokens."""

    def __init__(self, tokenizer, problems):
        good, bad = (tokenizer.encode(label).ids for label in (GOOD, BAD))
        assert len(good) == len(bad) == 1, "labels are single tokens"
        self.ids = {1: good[0], 0: bad[0]}
        self.tokenizer = tokenizer
        self.known = {}
        self.problems = [self.rows(problem) for problem in problems]
        self.problems = [rows for rows in self.problems if rows]

    def rows(self, problem):
        """-> of each path its tokens, and the label that follows each token or UNKNOWN."""
        head, _ = conversation({**problem, "worked": ""})
        head = self.tokenizer.encode(head).ids
        return [row for row in (self.row(head, path) for path in problem["paths"]) if row is not None]

    def row(self, head, path):
        tokens, labels = list(head), [UNKNOWN] * len(head)
        for text, label in path:
            step = self.encoded(text.strip() + STEP_END)
            tokens += step
            labels += [UNKNOWN] * (len(step) - 1) + [UNKNOWN if label is None else self.ids[int(label)]]
        # What follows the last label teaches nothing.
        labelled = [at for at, label in enumerate(labels) if label != UNKNOWN]
        if not labelled:
            return None
        return np.array(tokens[:labelled[-1] + 1]), np.array(labels[:labelled[-1] + 1])

    def encoded(self, text):
        if text not in self.known:
            self.known[text] = self.tokenizer.encode(text).ids
        return self.known[text]

    def batch(self, random, size):
        """A path each of `size` problems. -> tokens and labels [size, longest]."""
        chosen = [self.problems[i] for i in random.integers(0, len(self.problems), size)]
        rows = [paths[random.integers(len(paths))] for paths in chosen]
        return padded([row for row, _ in rows], 0), padded([labels for _, labels in rows], UNKNOWN)


def padded(rows, value):
    rows = [torch.from_numpy(row) for row in rows]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=value)


def train(model, steps, args):
    optimiser = Optimiser(model, args.rate)
    random = np.random.default_rng(args.seed)
    started, seen, step, total = time.time(), 0, 0, 0.0
    while seen < args.tokens:
        tokens, labels = steps.batch(random, BATCH_SIZE)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(tokens)
        loss = F.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), ignore_index=UNKNOWN)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_NORM_MAX)
        optimiser.step(min(1.0, (step + 1) / WARM_STEP_COUNT) * (1 - seen / args.tokens))
        seen += tokens.numel()
        step += 1
        total += loss.item()
        if step % REPORT_STEP_COUNT == 0:
            print(f"step {step}, {seen} tokens, loss {total / REPORT_STEP_COUNT:.4f}, "
                  f"{time.time() - started:.0f} s", flush=True)
            total = 0.0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", required=True, help="GGUF of the model to train on")
    parser.add_argument("--steps", required=True, nargs="+", help="JSON lines that write-steps.ts writes")
    parser.add_argument("--tokens", type=float, required=True, help="length of the training")
    parser.add_argument("--rate", type=float, default=5e-4, help="learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", required=True, help="path without ending")
    return parser.parse_args()


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    model, tokenizer = read_gguf(args.model)
    steps = Steps(tokenizer, [problem for path in args.steps for problem in read(path)])
    print(f"{len(steps.problems)} problems", flush=True)
    train(model, steps, args)
    name = pathlib.Path(args.out).name
    trained = f"trained on {int(args.tokens)} tokens of labelled steps, seed {args.seed}"
    write_gguf(f"{args.out}.gguf", model, tokenizer, name, f"Pilotfish {name}: {trained}")
    print(f"wrote {args.out}.gguf", flush=True)


if __name__ == "__main__":
    main()
