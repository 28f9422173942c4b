"""Serves a GGUF file with llama.cpp's own HTTP server until standard input closes.

Usage: python llama-server.py MODEL.gguf CONTEXT_LENGTH [SLOTS]
Prints one line: the address it listens on.
"""
import sys
import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.n_ctx = int(sys.argv[2])
params.n_parallel = int(sys.argv[3]) if len(sys.argv) > 3 else 1
params.endpoint_metrics = True
params.endpoint_slots = True
server = xllamacpp.Server(params)
print(f"LISTENING {server.listening_address}", flush=True)
sys.stdin.read()
