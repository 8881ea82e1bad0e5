//! Granite is that of transformers, on any number of ranks.

use granite as _;
use tp_runtime::testing::Parity;

#[test]
fn granite_is_that_of_transformers() {
    Parity::of("tests/granite").degrees([1, 2, 4]).check();
}
