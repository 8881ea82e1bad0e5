//! Why a model is not trained on.

/// Why a step was not made; the parameters are those of the step before.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TrainError {
    /// No label to learn from.
    #[error("step {step}: no label of the global batch counts, all of them are -100")]
    NoLabels {
        /// The step, the first of which is 1.
        step: u64,
    },

    /// A loss or a norm that says nothing.
    #[error(
        "step {step}: the loss is {loss} and the gradient's norm {norm}; the parameters are those before this step: \
         go on from the last checkpoint, or one before it, with a smaller learning rate"
    )]
    NotFinite {
        /// The step, the first of which is 1.
        step: u64,
        /// The mean loss.
        loss: f64,
        /// The norm.
        norm: f64,
    },

    /// A global batch that does not divide.
    #[error(
        "a global batch of {global} does not divide into micro-batches of {micro} on {ranks} data-parallel ranks: {advice}"
    )]
    BatchSize {
        /// The global batch, in samples.
        global: usize,
        /// What a rank computes at once.
        micro: usize,
        /// How many data-parallel ranks there are.
        ranks: usize,
        /// The nearest sizes that work.
        advice: String,
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
