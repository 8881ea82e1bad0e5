#!/usr/bin/env python3
"""PyTorch's side of the training bench: a model of transformers under `fully_shard`, one JSON line on rank 0.

    torchrun --nproc-per-node 2 pytorch_fsdp.py --config JSON     two Gloo processes, a thread each
    pytorch_fsdp.py --unsharded --config JSON                     one process, two threads

`train_step_s` is zeroed gradients, forward, loss, backward, clipping and AdamW on a global batch; the median.
"""
import argparse
import json
import os

import torch
import torch.distributed as dist
from pytorch_tp import median_seconds, peak_rss_mb
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unsharded", action="store_true")
    parser.add_argument("--recompute", action="store_true")
    parser.add_argument("--config", type=json.loads, required=True, help="the text of its config.json")
    for name, default in dict(batch=4, seq=128, warmup=2, repeat=7).items():
        parser.add_argument("--" + name, type=int, default=default)
    return parser.parse_args()


def build(args: argparse.Namespace) -> PreTrainedModel:
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**args.config), attn_implementation="sdpa")
    if args.recompute:
        model.gradient_checkpointing_enable()
    if not args.unsharded:
        mesh = init_device_mesh("cpu", (dist.get_world_size(),))
        for layer in model.model.layers:
            fully_shard(layer, mesh=mesh)
        fully_shard(model, mesh=mesh)
    return model.train()


def measure(args: argparse.Namespace) -> dict:
    torch.manual_seed(0)
    model = build(args)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    ranks, rank = (1, 0) if args.unsharded else (dist.get_world_size(), dist.get_rank())
    ids = torch.randint(0, model.config.vocab_size, (args.batch, args.seq), generator=torch.Generator().manual_seed(1))
    own = ids.chunk(ranks)[rank]

    def train_step() -> None:
        optimizer.zero_grad()
        logits = model(input_ids=own, use_cache=False).logits
        torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), own[:, 1:].flatten()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return dict(train_step_s=median_seconds(train_step, args.warmup, args.repeat), peak_rss_mb=peak_rss_mb())


def main() -> None:
    args = arguments()
    torch.set_num_threads(2 if args.unsharded else 1)
    if not args.unsharded:
        dist.init_process_group("gloo")
    result = measure(args)
    if int(os.environ.get("RANK", 0)) == 0:
        print(json.dumps(result), flush=True)
    if dist.is_initialized():
        # PyTorch's own way out aborts now and then, with threads of Gloo still running.
        dist.barrier()
        os._exit(0)


if __name__ == "__main__":
    main()
