"""How the pocket models are made: tokenizer, model, training, GGUF. Not part of the product."""
