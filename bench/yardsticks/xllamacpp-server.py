"""Serves a GGUF file with the llama-server inside xllamacpp until standard input closes.

Usage: python xllamacpp-server.py '{"modelPath": ..., "contextLength": ..., ...}'
Prints one line: the address it listens on.
"""
import json
import sys
import xllamacpp

shape = json.loads(sys.argv[1])
params = xllamacpp.CommonParams()
params.model.path = shape["modelPath"]
params.port = shape["port"]
params.n_ctx = shape["contextLength"]
params.n_parallel = shape["slotCount"]
params.n_batch = shape["rowCountMax"]
params.n_ubatch = shape["rowCountMax"]
params.cpuparams.n_threads = shape["threadCount"]
params.cpuparams_batch.n_threads = shape["threadCount"]
params.kv_unified = True
params.cache_prompt = False
params.cache_ram_mib = 0
server = xllamacpp.Server(params)
print(f"LISTENING {server.listening_address}", flush=True)
sys.stdin.read()
