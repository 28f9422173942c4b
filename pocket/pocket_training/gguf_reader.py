"""Reads a model and its tokenizer back from GGUF, to train it on."""
import gguf
import numpy as np
import torch
from gguf.quants import dequantize
from tokenizers import AddedToken, Tokenizer, models

from .gguf_file import MATRICES
from .model import Model
from .tokenizer import SPECIAL, split_into_bytes


def read_gguf(path):
    """-> the model, with the weights that Q8_0 left of it, and its tokenizer."""
    reader = gguf.GGUFReader(path)
    weights = {tensor.name: weights_of(tensor) for tensor in reader.tensors}
    tokenizer = tokenizer_of(reader)
    model = Model(
        tokenizer.get_vocab_size(),
        width=number(reader, "embedding_length"),
        layers=number(reader, "block_count"),
        heads=number(reader, "attention.head_count"),
        feed_forward=number(reader, "feed_forward_length"),
    )
    model.load_state_dict(state_of(weights, model.shape["layers"]), strict=True)
    return model, tokenizer


def weights_of(tensor):
    rows = dequantize(tensor.data, tensor.tensor_type)
    return torch.from_numpy(np.array(rows, dtype=np.float32))


def number(reader, key):
    return int(reader.fields[f"llama.{key}"].contents())


def state_of(weights, layer_count):
    state = {"embedding.weight": weights["token_embd.weight"], "norm.weight": weights["output_norm.weight"]}
    for layer in range(layer_count):
        for source, target in [*MATRICES.items(), ("attn_norm", "attn_norm"), ("ffn_norm", "ffn_norm")]:
            state[f"blocks.{layer}.{source}.weight"] = weights[f"blk.{layer}.{target}.weight"]
    return state


def tokenizer_of(reader):
    pieces = reader.fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(merge.split(" ")) for merge in reader.fields["tokenizer.ggml.merges"].contents()]
    tokenizer = Tokenizer(models.BPE({piece: id for id, piece in enumerate(pieces)}, merges))
    split_into_bytes(tokenizer)
    tokenizer.add_special_tokens([AddedToken(piece, special=True) for piece in SPECIAL])
    return tokenizer
