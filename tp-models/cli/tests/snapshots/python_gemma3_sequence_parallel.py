"""Plan GEMMA3 of Gemma3ForCausalLM, tensor and sequence parallel: parallelize_module(model, mesh, plan)."""

from torch.distributed.tensor import DTensor, Replicate, Shard
from torch.distributed.tensor.parallel import ColwiseParallel, ParallelStyle, RowwiseParallel, SequenceParallel


class VocabParallelEmbedding(RowwiseParallel):
    """Splits an embedding's rows; every rank is given all ids and masks those it does not hold."""

    def __init__(self, *, input_layouts=None, output_layouts=None, use_local_output=True):
        super().__init__(
            input_layouts=input_layouts or Replicate(),
            output_layouts=output_layouts,
            use_local_output=use_local_output,
        )


class RotaryEmbedParallel(ParallelStyle):
    """Gives every rank whole rotary tables: they follow the positions, which are not split."""

    def __init__(self, *, sequence_dim=1, use_local_output=True):
        super().__init__()
        self.use_local_output = use_local_output

    def _apply(self, module, device_mesh):
        self.device_mesh = device_mesh
        module.register_forward_pre_hook(self._local)
        module.register_forward_hook(self._replicated)
        return module

    def _local(self, module, inputs):
        # Of the activations, only type and device are read.
        return tuple(x.to_local() if isinstance(x, DTensor) else x for x in inputs)

    def _replicated(self, module, inputs, tables):
        if self.use_local_output:
            return tables
        return tuple(DTensor.from_local(x, self.device_mesh, [Replicate()], run_check=False) for x in tables)


plan = {
    "model.embed_tokens": VocabParallelEmbedding(output_layouts=Shard(1), use_local_output=False),
    "model.rotary_emb": RotaryEmbedParallel(),
    "model.rotary_emb_local": RotaryEmbedParallel(),
    "model.layers.*.input_layernorm": SequenceParallel(),
    "model.layers.*.post_attention_layernorm": SequenceParallel(),
    "model.layers.*.pre_feedforward_layernorm": SequenceParallel(),
    "model.layers.*.post_feedforward_layernorm": SequenceParallel(),
    "model.layers.*.self_attn.q_proj": ColwiseParallel(input_layouts=Shard(1)),
    "model.layers.*.self_attn.k_proj": ColwiseParallel(input_layouts=Shard(1)),
    "model.layers.*.self_attn.v_proj": ColwiseParallel(input_layouts=Shard(1)),
    "model.layers.*.self_attn.o_proj": RowwiseParallel(output_layouts=Shard(1), use_local_output=False),
    "model.layers.*.mlp.gate_proj": ColwiseParallel(input_layouts=Shard(1)),
    "model.layers.*.mlp.up_proj": ColwiseParallel(input_layouts=Shard(1)),
    "model.layers.*.mlp.down_proj": RowwiseParallel(output_layouts=Shard(1), use_local_output=False),
    "model.norm": SequenceParallel(),
    "lm_head": ColwiseParallel(input_layouts=Shard(1), use_local_output=False),
}
