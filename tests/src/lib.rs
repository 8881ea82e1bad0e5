//! What the integration tests share: fixtures and changed copies of them, plans, grids, bare ranks.

#[cfg(feature = "torch")]
pub mod changed;
pub mod config_table;
pub mod configs;
#[cfg(feature = "torch")]
pub mod grid;
#[cfg(feature = "torch")]
pub mod plans;
#[cfg(feature = "torch")]
pub mod ranks;

/// The fixture `tests/fixtures/<name>`.
///
/// # Panics
/// When it cannot be read.
#[cfg(feature = "torch")]
pub fn fixture(name: &str) -> tp_runtime::testing::Fixture {
    // Cargo runs tests in the folder of their crate, and so may whoever has only the built tests.
    let fixtures = std::path::Path::new("fixtures");
    tp_runtime::testing::Fixture::open(fixtures.join(name))
}
