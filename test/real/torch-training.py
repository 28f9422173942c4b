"""Trains the network of a file with PyTorch, and writes losses and final numbers to another one.

    python torch-training.py IN.safetensors OUT.safetensors

Both files are read and written by hand, so that nothing but torch and numpy is needed. The metadata of
the first one says how to train.
"""

import json
import struct
import sys

import numpy
import torch


def read(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    metadata = header.pop("__metadata__")
    kinds = {"F32": numpy.float32, "F16": numpy.float16, "I32": numpy.int32}
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        values = numpy.frombuffer(data[start:end], kinds[entry["dtype"]]).copy()
        tensors[name] = torch.from_numpy(values.reshape(entry["shape"]))
    return tensors, metadata


def write(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        part = tensor.detach().to(torch.float32).contiguous().numpy().tobytes()
        offsets = [len(data), len(data) + len(part)]
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": offsets}
        data += part
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def build(sizes, activations):
    layers, names = [], {}
    for index in range(len(sizes) - 1):
        active = activations[index] if index < len(activations) else False
        linear = torch.nn.Linear(sizes[index], sizes[index + 1], bias=not active)
        layers.append(linear)
        names[f"{index}.weight"] = linear.weight
        if not active:
            names[f"{index}.bias"] = linear.bias
            continue
        norm = torch.nn.BatchNorm1d(sizes[index + 1])
        layers += [norm, torch.nn.ReLU()]
        names[f"{index}.norm.weight"] = norm.weight
        names[f"{index}.norm.bias"] = norm.bias
        names[f"{index}.norm.mean"] = norm.running_mean
        names[f"{index}.norm.variance"] = norm.running_var
    return torch.nn.Sequential(*layers), names


def main():
    torch.set_num_threads(1)
    tensors, metadata = read(sys.argv[1])
    options = json.loads(metadata["options"])
    network, names = build(options["sizes"], options["activations"])
    with torch.no_grad():
        for name, tensor in names.items():
            tensor.copy_(tensors[f"initial.{name}"])
    features = tensors["features"].to(torch.float32)
    rows, held_out = tensors["rows"].long(), tensors["validation"].long()
    deviations, means = torch.std_mean(features[rows].double(), dim=0, correction=0)
    # Kept in single precision on both sides; an input that is large but hardly changes would show it.
    means, factors = means.float().double(), (1 / deviations).float().double()
    inputs = ((features.double() - means) * factors).float()
    targets, weights = tensors["targets"], tensors["weights"]
    mean_weight = weights[rows].mean()
    decaying = [tensor for name, tensor in names.items() if tensor.requires_grad and tensor.dim() > 1]
    others = [tensor for name, tensor in names.items() if tensor.requires_grad and tensor.dim() == 1]
    optimiser = torch.optim.AdamW(
        [{"params": decaying}, {"params": others, "weight_decay": 0.0}],
        lr=options["rate"],
        weight_decay=options["weightDecay"],
        betas=(options["beta1"], options["beta2"]),
        eps=options["epsilon"],
    )
    loss_of = torch.nn.functional.binary_cross_entropy_with_logits
    losses = []
    for epoch in range(options["epochCount"]):
        network.train()
        total = 0.0
        for batch in torch.split(tensors[f"order.{epoch + 1}"].long(), options["batchSize"]):
            logits = network(inputs[batch]).squeeze(1)
            each = loss_of(logits, targets[batch], weight=weights[batch], reduction="none")
            total += each.sum().item()
            optimiser.zero_grad()
            (each.mean() / mean_weight).backward()
            optimiser.step()
        network.eval()
        with torch.no_grad():
            logits = network(inputs[held_out]).squeeze(1)
            each = loss_of(logits, targets[held_out], weight=weights[held_out], reduction="none")
        validation = (each.sum() / weights[held_out].sum()).item()
        losses.append([total / weights[rows].sum().item(), validation])
    results = {f"final.{name}": tensor for name, tensor in names.items()}
    write(sys.argv[2], {**results, "losses": torch.tensor(losses), "logits": logits})


main()
