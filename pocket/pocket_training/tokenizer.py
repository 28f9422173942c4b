"""Byte-level BPE in the way of GPT-2, split as llama.cpp's pre-tokenizer "qwen2" splits."""
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

END_OF_TEXT, TURN_START, TURN_END = SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
VOCABULARY_SIZE_MAX = 600
TRAINING_PROBLEM_COUNT = 20_000
# Every digit is a piece of its own.
QWEN2_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# The same text as `conversation` writes: what is rendered is what was trained on.
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def train_tokenizer(problems):
    """The same problems in the same order give the same tokenizer."""
    tokenizer = Tokenizer(models.BPE())
    split_into_bytes(tokenizer)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE_MAX,
        special_tokens=SPECIAL,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    texts = [f"{p['question']}\n{p['worked']}" for p in problems[:TRAINING_PROBLEM_COUNT]]
    tokenizer.train_from_iterator([*texts, "user\nassistant\nsystem\n"], trainer)
    return tokenizer


def split_into_bytes(tokenizer):
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(QWEN2_SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()


def conversation(problem):
    """The prompt and the answer of a problem."""
    head = f"{TURN_START}user\n{problem['question']}{TURN_END}\n{TURN_START}assistant\n"
    return head, f"{problem['worked']}{TURN_END}\n"
