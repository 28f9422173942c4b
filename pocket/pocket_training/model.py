"""A transformer of the Llama family (llama.cpp architecture "llama"), with tied embeddings."""
import torch
import torch.nn.functional as F
from torch import nn

SHAPES = {
    "large": dict(width=256, layers=8, heads=8, feed_forward=768),
    "small": dict(width=64, layers=2, heads=4, feed_forward=192),
}
CONTEXT_LENGTH = 512
ROPE_BASE = 10000.0
NORM_EPSILON = 1e-5
EMBEDDING_DEVIATION = 0.02


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight, NORM_EPSILON)


class Block(nn.Module):
    def __init__(self, width, heads, feed_forward):
        super().__init__()
        self.heads = heads
        self.attn_norm, self.ffn_norm = Norm(width), Norm(width)
        self.q, self.k, self.v, self.o = (linear(width, width) for _ in range(4))
        self.gate, self.up = linear(width, feed_forward), linear(width, feed_forward)
        self.down = linear(feed_forward, width)

    def forward(self, x, rotation):
        """x: [batch, length, width]."""
        x = x + self.attend(self.attn_norm(x), rotation)
        h = self.ffn_norm(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))

    def attend(self, h, rotation):
        batch, length, width = h.shape

        def split(y):
            return y.view(batch, length, self.heads, width // self.heads).transpose(1, 2)

        q, k, v = rotate(split(self.q(h)), rotation), rotate(split(self.k(h)), rotation), split(self.v(h))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o(mixed.transpose(1, 2).reshape(batch, length, width))


def linear(rows, columns):
    return nn.Linear(rows, columns, bias=False)


def rotate(x, rotation):
    """Rotary embedding over pairs of neighbours: the layout of llama.cpp's "llama"."""
    cos, sin = rotation
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


class Model(nn.Module):
    def __init__(self, vocabulary_size, width, layers, heads, feed_forward):
        super().__init__()
        self.shape = dict(width=width, layers=layers, heads=heads, feed_forward=feed_forward)
        self.embedding = nn.Embedding(vocabulary_size, width)
        self.blocks = nn.ModuleList(Block(width, heads, feed_forward) for _ in range(layers))
        self.norm = Norm(width)
        size = width // heads
        frequency = ROPE_BASE ** (-torch.arange(0, size, 2) / size)
        angle = torch.outer(torch.arange(CONTEXT_LENGTH), frequency)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)
        nn.init.normal_(self.embedding.weight, std=EMBEDDING_DEVIATION)
        for block in self.blocks:
            for matrix in block.modules():
                if isinstance(matrix, nn.Linear):
                    nn.init.normal_(matrix.weight, std=width ** -0.5 / 2)

    def forward(self, tokens):
        """tokens: [batch, length] -> logits: [batch, length, vocabulary]."""
        length = tokens.shape[1]
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, (self.cos[:length], self.sin[:length]))
        return F.linear(self.norm(x), self.embedding.weight)
