//! The output that nobody reads when a layer is run again for its gradients.
//!
//! A residual layer ends in an addition, whose backward reads nothing: neither the sum nor the branch
//! that is added. So the collective that would complete the branch is left out of the second run.

use std::cell::RefCell;
use std::rc::Rc;

use super::last_branch::last_branch;
use super::{Module, ModulePath};

thread_local! {
    static UNREAD: RefCell<Option<Rc<str>>> = const { RefCell::new(None) };
}

/// Whether nobody will read what the layer at `path` gives in this run.
pub(super) fn is_unread(path: &str) -> bool {
    UNREAD.with_borrow(|unread| unread.as_deref() == Some(path))
}

/// Runs a layer again of which only the gradients are of use.
pub(super) fn run_for_gradients<M: Module, T>(layer: &M, run: impl FnOnce() -> T) -> T {
    struct Reset(Option<Rc<str>>);
    impl Drop for Reset {
        fn drop(&mut self) {
            UNREAD.set(self.0.take());
        }
    }
    let _reset = Reset(UNREAD.replace(last_layer(layer)));
    run()
}

/// The path of the leaf whose output is the last thing added to the residual stream of `layer`.
fn last_layer<M: Module>(layer: &M) -> Option<Rc<str>> {
    let wanted = last_branch(M::NODE)?;
    let mut found = None;
    layer.visit(&ModulePath::root(), &mut |path, leaf| {
        if path.as_str() == wanted {
            found = leaf.context().path();
        }
    });
    found
}
