//! Words from Python tables, for those who paste one.

/// Names in PyTorch's calls, with what is written here.
pub(super) const PYTHON_NAMES: [(&str, &str); 8] = [
    ("ColwiseParallel", "Colwise"),
    ("RowwiseParallel", "Rowwise"),
    ("input_layouts", "input"),
    ("output_layouts", "output"),
    ("desired_input_layouts", "input"),
    ("use_local_output", "local"),
    ("sequence_dim", "sequence"),
    ("sequence_sharding", "sequence"),
];
