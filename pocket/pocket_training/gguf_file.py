"""Writes a model as GGUF: matrices in Q8_0, norms in F32."""
import json

import gguf
import numpy as np
from gguf import GGMLQuantizationType
from gguf.quants import quantize

from .model import CONTEXT_LENGTH, NORM_EPSILON, ROPE_BASE
from .tokenizer import CHAT_TEMPLATE, END_OF_TEXT, SPECIAL, TURN_END

MATRICES = {
    "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output",
    "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down",
}


def write_gguf(path, model, tokenizer, name, description):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(name)
    writer.add_description(description)
    writer.add_license("Apache-2.0")
    add_shape(writer, model.shape, tokenizer.get_vocab_size())
    add_tokenizer(writer, tokenizer)
    add_tensors(writer, model)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_shape(writer, shape, vocabulary_size):
    writer.add_context_length(CONTEXT_LENGTH)
    writer.add_embedding_length(shape["width"])
    writer.add_block_count(shape["layers"])
    writer.add_feed_forward_length(shape["feed_forward"])
    writer.add_head_count(shape["heads"])
    writer.add_head_count_kv(shape["heads"])
    writer.add_layer_norm_rms_eps(NORM_EPSILON)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_rope_dimension_count(shape["width"] // shape["heads"])
    writer.add_vocab_size(vocabulary_size)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)


def add_tokenizer(writer, tokenizer):
    vocabulary = tokenizer.get_vocab()
    pieces = sorted(vocabulary, key=vocabulary.get)
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(pieces)
    writer.add_token_types([
        gguf.TokenType.CONTROL if piece in SPECIAL else gguf.TokenType.NORMAL for piece in pieces
    ])
    writer.add_token_merges([" ".join(m) if isinstance(m, list) else m for m in merges])
    writer.add_eos_token_id(pieces.index(TURN_END))
    writer.add_pad_token_id(pieces.index(END_OF_TEXT))
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def add_tensors(writer, model):
    state = {key: value.detach().float().numpy() for key, value in model.state_dict().items()}
    q8 = GGMLQuantizationType.Q8_0

    def matrix(target, source):
        writer.add_tensor(target, quantize(np.ascontiguousarray(state[source]), q8), raw_dtype=q8)

    matrix("token_embd.weight", "embedding.weight")
    writer.add_tensor("output_norm.weight", state["norm.weight"])
    for layer in range(model.shape["layers"]):
        for source, target in MATRICES.items():
            matrix(f"blk.{layer}.{target}.weight", f"blocks.{layer}.{source}.weight")
        for norm in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{norm}.weight", state[f"blocks.{layer}.{norm}.weight"])
