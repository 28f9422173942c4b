"""A moving average of a model's weights, which is steady where the weights themselves still jump."""
import copy

import torch

DECAY = 0.96
CHUNK = 200


class Average:
    def __init__(self, model):
        self.model = copy.deepcopy(model)

    @torch.no_grad()
    def add(self, model):
        for mine, other in zip(self.model.parameters(), model.parameters()):
            mine.lerp_(other, 1 - DECAY)

    @torch.no_grad()
    def right_share(self, tokens, wanted):
        """
        The share of problems where the model would choose every token that is `wanted`, after those
        before it. With the digits of the answers it is nearly the share of right answers: small
        models get things and names wrong more often, and those do not count.
        """
        right = 0
        for rows, marks in zip(tokens.split(CHUNK), wanted.split(CHUNK)):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                chosen = self.model(rows[:, :-1]).argmax(-1)
            right += ((chosen == rows[:, 1:]) | ~marks[:, 1:]).all(-1).sum().item()
        return right / len(tokens)

    def state_dict(self):
        return self.model.state_dict()

    def load_state_dict(self, state):
        self.model.load_state_dict(state)
