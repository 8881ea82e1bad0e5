#!/usr/bin/env python3
"""PyTorch's side of the bench: transformers' Llama under `parallelize_module`, one JSON line on rank 0.

    torchrun --nproc-per-node 2 pytorch_tp.py [SIZES]     two Gloo processes, a thread each
    pytorch_tp.py --unsharded [SIZES]                     one process, two threads

`forward_s` is a forward pass without gradients, its logits left sharded; `train_step_s` is zeroed gradients, forward, loss,
backward and AdamW; `decode_tokens_per_s` is greedy decoding of one sequence with a cache. All are medians.
"""
import argparse
import json
import os
import resource
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, Replicate, Shard
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, loss_parallel, parallelize_module
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

# The rows of the plan that the Rust side runs, without sequence parallelism.
PLAN = {
    "model.embed_tokens": RowwiseParallel(input_layouts=Replicate()),
    "model.layers.*.self_attn.q_proj": ColwiseParallel(),
    "model.layers.*.self_attn.k_proj": ColwiseParallel(),
    "model.layers.*.self_attn.v_proj": ColwiseParallel(),
    "model.layers.*.self_attn.o_proj": RowwiseParallel(),
    "model.layers.*.mlp.gate_proj": ColwiseParallel(),
    "model.layers.*.mlp.up_proj": ColwiseParallel(),
    "model.layers.*.mlp.down_proj": RowwiseParallel(),
    "lm_head": ColwiseParallel(output_layouts=Shard(-1), use_local_output=False),
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unsharded", action="store_true")
    for name, default in dict(hidden=512, mlp=1408, layers=6, heads=8, kv_heads=4, vocab=8000, batch=4, seq=128,
                              prompt=16, new_tokens=64, warmup=2, repeat=7).items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=default)
    return parser.parse_args()


def build(args: argparse.Namespace) -> LlamaForCausalLM:
    """Sharded before any weight is allocated, so that a rank's memory is its shard."""
    config = LlamaConfig(
        hidden_size=args.hidden, intermediate_size=args.mlp, num_hidden_layers=args.layers, num_attention_heads=args.heads,
        num_key_value_heads=args.kv_heads, vocab_size=args.vocab, tie_word_embeddings=False, attn_implementation="sdpa")
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    if not args.unsharded:
        parallelize_module(model, init_device_mesh("cpu", (dist.get_world_size(),)), PLAN)
    model.to_empty(device="cpu")
    model.model.rotary_emb = LlamaRotaryEmbedding(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(1.0) if "norm" in name else parameter.normal_(std=0.02)
    return model


def optimizer(model: LlamaForCausalLM) -> torch.optim.Optimizer:
    """Fused AdamW takes DTensors and tensors, but not in one group."""
    sharded = [p for p in model.parameters() if isinstance(p, DTensor)]
    whole = [p for p in model.parameters() if not isinstance(p, DTensor)]
    return torch.optim.AdamW([dict(params=group) for group in (sharded, whole) if group], lr=1e-4, fused=True)


def median_seconds(run: Callable[[], None], warmup: int, repeat: int) -> float:
    seconds = []
    for _ in range(warmup + repeat):
        if dist.is_initialized():
            dist.barrier()
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[warmup:])


def measure(args: argparse.Namespace) -> dict:
    torch.manual_seed(0)
    model = build(args)
    step = optimizer(model)
    ids = torch.randint(0, args.vocab, (args.batch, args.seq), generator=torch.Generator().manual_seed(1))

    @torch.no_grad()
    def forward() -> None:
        model(input_ids=ids, use_cache=False)

    def train_step() -> None:
        step.zero_grad()
        # transformers' own loss does not take a DTensor.
        logits = model(input_ids=ids, use_cache=False).logits
        with nullcontext() if args.unsharded else loss_parallel():
            loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
            loss.backward()
        step.step()

    @torch.no_grad()
    def decode() -> None:
        cache = DynamicCache(config=model.config)
        token = ids[:1, : args.prompt]
        for _ in range(args.new_tokens):
            logits = model(input_ids=token, past_key_values=cache, logits_to_keep=1).logits
            logits = logits if args.unsharded else logits.full_tensor()
            token = logits[:, -1].argmax(-1, keepdim=True)

    result = dict(forward_s=median_seconds(forward, args.warmup, args.repeat),
                  train_step_s=median_seconds(train_step, args.warmup, args.repeat),
                  decode_tokens_per_s=args.new_tokens / median_seconds(decode, 1, 3))
    return result | dict(peak_rss_mb=peak_rss_mb())


def peak_rss_mb() -> list[int]:
    mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if not dist.is_initialized():
        return [mine]
    every = [None] * dist.get_world_size()
    dist.all_gather_object(every, mine)
    return every


def main() -> None:
    args = arguments()
    torch.set_num_threads(2 if args.unsharded else 1)
    if not args.unsharded:
        dist.init_process_group("gloo")
    result = measure(args)
    if int(os.environ.get("RANK", 0)) == 0:
        print(json.dumps(result), flush=True)
    if dist.is_initialized():
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
