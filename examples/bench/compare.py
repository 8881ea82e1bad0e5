#!/usr/bin/env python3
"""Runs our bench and PyTorch's in turn, several rounds, and prints medians and ratios. Needs nothing but Python's own library."""
import argparse
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


def config(architecture: str, model_type: str, hidden: int, mlp: int, layers: int, heads: int, kv_heads: int, vocab: int, **further) -> dict:
    sizes = dict(hidden_size=hidden, intermediate_size=mlp, num_hidden_layers=layers, num_attention_heads=heads,
                 num_key_value_heads=kv_heads, head_dim=64, vocab_size=vocab)
    return dict(architectures=[architecture], model_type=model_type, **sizes, **further)


def llama(*sizes: int) -> dict:
    return config("LlamaForCausalLM", "llama", *sizes, tie_word_embeddings=False)


def qwen3(*sizes: int) -> dict:
    return config("Qwen3ForCausalLM", "qwen3", *sizes, tie_word_embeddings=False)


def gemma3(*sizes: int) -> dict:
    """Five sliding layers, then a global one; the window is half of the sequence."""
    layers = ["full_attention" if index % 6 == 5 else "sliding_attention" for index in range(sizes[2])]
    rope = dict(sliding_attention=dict(rope_type="default", rope_theta=1e4), full_attention=dict(rope_type="default", rope_theta=1e6))
    return config("Gemma3ForCausalLM", "gemma3_text", *sizes, tie_word_embeddings=True, sliding_window=64,
                  query_pre_attn_scalar=64, layer_types=layers, rope_parameters=rope)


@dataclass
class Model:
    config: dict
    batch: int
    sequence: int = 128


MODELS = {
    "llama-26M": Model(llama(512, 1408, 6, 8, 4, 8000), batch=4),
    "llama-106M": Model(llama(768, 2048, 13, 12, 4, 16000), batch=2),
    "qwen3-106M": Model(qwen3(768, 2048, 13, 12, 4, 16000), batch=2),
    "gemma3-113M": Model(gemma3(768, 2048, 14, 12, 4, 32000), batch=2),
}
# Every ratio is against this one.
BASELINE = "PyTorch, 2 ranks, Gloo"
# What is measured, and whether more of it is better.
FIGURES = {"forward_s": False, "train_step_s": False, "decode_tokens_per_s": True}


def training_programs(program: str, python: str) -> dict[str, list[str]]:
    """Data-parallel training, compared in the same way."""
    torchrun = [python, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    pytorch = str(HERE / "pytorch_fsdp.py")
    local = [program, "--dp", "2", "--backend", "local"]
    gloo = [*torchrun, "--no-python", program, "--dp", "2", "--backend", "gloo"]
    return {
        "PyTorch, unsharded": [python, pytorch, "--unsharded"],
        BASELINE: [*torchrun, pytorch],
        BASELINE + ", recomputing": [*torchrun, pytorch, "--recompute"],
        "ours, 1 rank": [program],
        "ours, 1 rank, recomputing": [program, "--recompute"],
        **{f"ours, 2 ranks, local, zero {stage}": [*local, "--zero", stage] for stage in ("0", "1", "3")},
        **{f"ours, 2 ranks, Gloo, zero {stage}": [*gloo, "--zero", stage] for stage in ("0", "1", "3")},
    }


def programs(program: str, python: str) -> dict[str, list[str]]:
    """What is compared. Two threads in all, everywhere: two ranks have one each."""
    torchrun = [python, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    pytorch = str(HERE / "pytorch_tp.py")
    return {
        "PyTorch, unsharded": [python, pytorch, "--unsharded"],
        BASELINE: [*torchrun, pytorch],
        "ours, 1 rank": [program, "--tp", "1"],
        "ours, 2 ranks, local": [program, "--tp", "2", "--backend", "local"],
        "ours, 2 ranks, Gloo": [*torchrun, "--no-python", program, "--tp", "2", "--backend", "gloo"],
    }


def run(command: list[str], threads: int) -> dict:
    """The JSON line that the command prints."""
    done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": str(threads)}, text=True, capture_output=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or len(lines) != 1:
        sys.exit(f"`{' '.join(command)}` failed with status {done.returncode}:\n{done.stderr}{done.stdout}")
    return json.loads(lines[0])


def medians(results: list[dict]) -> dict:
    """Of times and rates the median over the rounds, of memory the highest."""
    merged = {key: statistics.median(result[key] for result in results) for key in FIGURES if key in results[0]}
    return merged | dict(peak_rss_mb=[max(rank) for rank in zip(*(result["peak_rss_mb"] for result in results))])


def table(title: str, results: dict[str, dict]) -> str:
    base = results[BASELINE]
    lines = [title]
    for name, result in results.items():
        cells = []
        for key, is_rate in FIGURES.items():
            if key in result:
                ratio = result[key] / base[key] if is_rate else base[key] / result[key]
                figure = f"{result[key]:.1f} tok/s" if is_rate else f"{result[key]:.3f} s"
                cells.append(f"{key.split('_')[0]} {figure} {ratio:5.2f}x")
        memory = " + ".join(map(str, result["peak_rss_mb"]))
        lines.append(f"  {name:36}{'   '.join(cells)}   {memory} MiB")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="the built `tp-bench`, beside which `tp-train-bench` stands")
    parser.add_argument("--python", default=sys.executable, help="a Python that has torch and transformers")
    parser.add_argument("--training", action="store_true", help="data-parallel training instead, with `tp-train-bench`")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", choices=MODELS, nargs="+", default=[*MODELS])
    parser.add_argument("further", nargs="*", help="flags for both programs after `--`, such as `--repeat 3`")
    args = parser.parse_args()

    compared = programs(args.program, args.python)
    if args.training:
        compared = training_programs(str(Path(args.program).with_name("tp-train-bench")), args.python)
    for name in args.model:
        model = MODELS[name]
        # Every data-parallel rank finds the gradients of all weights: with few tokens that is most of the work.
        batch = model.batch * (4 if args.training else 1)
        shape = ["--batch", str(batch), "--seq", str(model.sequence)]
        own = ["--config", json.dumps(model.config), *shape, *args.further]
        results: dict[str, list[dict]] = {}
        for turn in range(args.rounds):
            for program, command in compared.items():
                print(f"{name}, round {turn + 1} of {args.rounds}: {program}", file=sys.stderr)
                threads = 1 if "2 ranks" in program else 2
                results.setdefault(program, []).append(run(command + own, threads))
        title = f"{name}, batch {batch} x {model.sequence}, f32; ratios against {BASELINE}"
        print(table(title, {program: medians(rounds) for program, rounds in results.items()}))


if __name__ == "__main__":
    main()
