//! Why a model is not trained on.

/// Why a step was not made; the parameters are those of the step before.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TrainError {
    /// No label to learn from.
    #[error("step {step}: no label of the global batch counts, all of them are -100")]
    NoLabels {
        /// The step.
        step: u64,
    },

    /// A loss or a norm that says nothing.
    #[error(
        "step {step}: the loss is {loss} and the gradient's norm {norm}; the parameters are those before this step: \
         try a smaller learning rate"
    )]
    NotFinite {
        /// The step.
        step: u64,
        /// The mean loss.
        loss: f64,
        /// The norm.
        norm: f64,
    },

    /// Ranks that would wait for each other.
    #[error(
        "the data-parallel ranks have {found:?} micro-batches: give each as many, with labels of -100 where one has no samples"
    )]
    MicroBatches {
        /// How many each rank has.
        found: Vec<usize>,
    },
}
