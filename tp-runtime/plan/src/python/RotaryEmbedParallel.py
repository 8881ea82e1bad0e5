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
