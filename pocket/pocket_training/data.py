"""Problems as tokens, and batches of rows that begin where a problem begins."""
import json
import pathlib

import numpy as np
import torch
from tokenizers import Tokenizer

from .tokenizer import conversation, train_tokenizer

ROW_LENGTH = 256
# The questions are there to be read, not to be written.
QUESTION_WEIGHT = 0.1
CHUNK = 10_000


class Data:
    def __init__(self, tokens, weights, starts):
        """tokens, weights: one stream; weights[i] is that of token i as a target. starts: of problems."""
        self.tokens, self.weights = tokens, weights
        self.starts = starts[starts < len(tokens) - ROW_LENGTH - 1]

    def batch(self, random, size):
        """-> inputs [size, ROW_LENGTH], targets and their weights of the same shape."""
        at = self.starts[random.integers(0, len(self.starts), size)]
        rows = np.stack([self.tokens[i:i + ROW_LENGTH + 1] for i in at]).astype(np.int64)
        weights = np.stack([self.weights[i + 1:i + ROW_LENGTH + 1] for i in at]).astype(np.float32)
        rows = torch.from_numpy(rows)
        return rows[:, :-1], rows[:, 1:], torch.from_numpy(weights)


def load(problems_path, tokenizer_path):
    """The tokenizer is made if it is missing; tokens are kept beside the problems."""
    problems = None
    if not pathlib.Path(tokenizer_path).exists():
        problems = read(problems_path)
        train_tokenizer(problems).save(tokenizer_path)
    tokenizer = Tokenizer.from_file(tokenizer_path)
    cache = pathlib.Path(f"{problems_path}.npz")
    if not cache.exists():
        np.savez(cache, **encode(tokenizer, problems or read(problems_path)))
    stored = np.load(cache)
    return tokenizer, Data(stored["tokens"], stored["weights"], stored["starts"])


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def encode(tokenizer, problems):
    tokens, weights, starts = [], [], []
    for first in range(0, len(problems), CHUNK):
        pairs = [conversation(problem) for problem in problems[first:first + CHUNK]]
        heads = tokenizer.encode_batch([head for head, _ in pairs])
        tails = tokenizer.encode_batch([tail for _, tail in pairs])
        for head, tail in zip(heads, tails):
            starts.append(len(tokens))
            tokens += head.ids + tail.ids
            weights += [QUESTION_WEIGHT] * len(head.ids) + [1.0] * len(tail.ids)
    return dict(
        tokens=np.array(tokens, dtype=np.int16),
        weights=np.array(weights, dtype=np.float16),
        starts=np.array(starts, dtype=np.int64),
    )


def padded(tokenizer, path):
    """-> tokens [problems, length] and which of them are digits of answers, both padded at the end."""
    digits = {id for piece, id in tokenizer.get_vocab().items() if piece.isdigit()}
    tokens, wanted = [], []
    for head, tail in map(conversation, read(path)):
        head, tail = tokenizer.encode(head).ids, tokenizer.encode(tail).ids
        tokens.append(torch.tensor(head + tail))
        wanted.append(torch.tensor([False] * len(head) + [token in digits for token in tail]))
    return [torch.nn.utils.rnn.pad_sequence(rows, batch_first=True) for rows in (tokens, wanted)]
