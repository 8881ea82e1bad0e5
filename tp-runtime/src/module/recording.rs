//! Which layers feed which, found out by running them.
//!
//! While a forward is recorded, each layer's output is replaced by a leaf of the autograd graph.
//! Between two layers the graph then holds no third, and the layers that feed a layer are those whose
//! leaves the gradient of its input reaches: through activations, products, attention, residuals.

use std::cell::RefCell;
use std::rc::Rc;

use tch::Tensor;

/// One layer's output, and a layer whose input was computed from it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The path of the layer that gives.
    pub from: String,
    /// The path of the layer that reads.
    pub to: String,
}

#[derive(Default)]
struct Recorder {
    leaves: Vec<(Rc<str>, Tensor)>,
    edges: Vec<Edge>,
}

thread_local! {
    static RECORDER: RefCell<Option<Recorder>> = const { RefCell::new(None) };
}

/// Runs `forward` on this thread, and gives with its result the edges in the order they were run.
///
/// The result has no gradients. On several ranks each sees its own part.
pub fn record<T>(forward: impl FnOnce() -> T) -> (T, Vec<Edge>) {
    RECORDER.set(Some(Recorder::default()));
    let result = forward();
    let recorder = RECORDER.take().unwrap_or_default();
    (result, recorder.edges)
}

/// Notes what `input`, which the layer at `path` reads, was computed from.
pub(crate) fn reads(path: &str, input: &Tensor) {
    RECORDER.with_borrow_mut(|recorder| {
        let Some(recorder) = recorder else { return };
        if !input.requires_grad() {
            return;
        }
        let leaves: Vec<&Tensor> = recorder.leaves.iter().map(|(_, leaf)| leaf).collect();
        // Random, so that no sum over a softmax or a norm cancels.
        let seen = (input * input.rand_like()).sum(input.kind());
        let gradients = Tensor::run_backward(&[seen], &leaves, true, false);
        let feeds =
            |gradient: &Tensor| gradient.defined() && gradient.abs().max().double_value(&[]) > 0.0;
        for ((from, _), _) in recorder
            .leaves
            .iter()
            .zip(&gradients)
            .filter(|(_, gradient)| feeds(gradient))
        {
            recorder.edges.push(Edge {
                from: from.to_string(),
                to: path.to_owned(),
            });
        }
    });
}

/// What the layer at `path` gives, cut from what it was computed from while a forward is recorded.
pub(crate) fn gives(path: &Rc<str>, output: Tensor) -> Tensor {
    RECORDER.with_borrow_mut(|recorder| {
        let Some(recorder) = recorder else {
            return output;
        };
        let leaf = output.detach().set_requires_grad(true);
        recorder.leaves.push((path.clone(), leaf.shallow_clone()));
        leaf
    })
}
