class VocabParallelEmbedding(RowwiseParallel):
    """Splits an embedding's rows; every rank is given all ids and masks those it does not hold."""

    def __init__(self, *, input_layouts=None, output_layouts=None, use_local_output=True):
        super().__init__(
            input_layouts=input_layouts or Replicate(),
            output_layouts=output_layouts,
            use_local_output=use_local_output,
        )
