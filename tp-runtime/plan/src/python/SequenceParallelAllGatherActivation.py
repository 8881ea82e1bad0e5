class SequenceParallelAllGatherActivation(SequenceParallel):
    """Runs a norm on a chunk of the sequence, then gathers what it gives."""

    def __init__(self, *, sequence_dim=1, use_local_output=False):
        super().__init__(sequence_dim=sequence_dim, use_local_output=False)
        self.gives_local = use_local_output

    def _apply(self, module, device_mesh):
        module = super()._apply(module, device_mesh)
        module.register_forward_hook(self._gather)
        return module

    def _gather(self, module, inputs, output):
        output = output.redistribute(placements=[Replicate()])
        return output.to_local() if self.gives_local else output
