//! Every rule of `tp_plan!` and `#[derive(Module)]`, as rustc words it: one short case per rule.
//!
//! Only without libtorch, so that the cases build in seconds: `cargo test -p tp-tests
//! --no-default-features --test compile_fail`. `TRYBUILD=overwrite` writes the expected output anew.

#[cfg(not(feature = "torch"))]
#[test]
fn faulty_tables_and_structs_are_refused() {
    trybuild::TestCases::new().compile_fail("compile-fail/*.rs");
}
