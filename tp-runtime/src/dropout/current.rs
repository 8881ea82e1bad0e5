//! The key of the forward that this thread is in, for layers that no model hands it to.

use std::cell::RefCell;

use super::DropoutKey;

thread_local! {
    static CURRENT: RefCell<Option<DropoutKey>> = const { RefCell::new(None) };
}

impl DropoutKey {
    /// The key of the forward that is running; `None` where nothing is dropped.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Runs a forward, or a part of one, under its key.
    pub(crate) fn during<T>(key: Option<Self>, run: impl FnOnce() -> T) -> T {
        struct Reset(Option<DropoutKey>);
        impl Drop for Reset {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }
        let _reset = Reset(CURRENT.replace(key));
        run()
    }
}
