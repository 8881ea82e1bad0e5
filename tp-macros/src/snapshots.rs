//! What the macros write, as text: each `snapshots/NAME.rs` expands to `snapshots/NAME.expanded`.
//!
//! `SNAPSHOTS=overwrite cargo test -p tp-macros` writes them anew.

use std::path::Path;
use std::{env, error, fs};

use proc_macro2::TokenStream;

fn assert_expands(
    name: &str,
    expand: fn(TokenStream) -> TokenStream,
) -> Result<(), Box<dyn error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    let input = fs::read_to_string(folder.join(name).with_extension("rs"))?;
    let expanded = prettyplease::unparse(&syn::parse2(expand(input.parse()?))?);
    let snapshot = folder.join(name).with_extension("expanded");
    if env::var_os("SNAPSHOTS").is_some_and(|wish| wish == "overwrite") {
        fs::write(&snapshot, &expanded)?;
    }
    assert_eq!(
        expanded,
        fs::read_to_string(&snapshot)?,
        "{} differs",
        snapshot.display()
    );
    Ok(())
}

#[test]
fn a_table() -> Result<(), Box<dyn error::Error>> {
    assert_expands("table", crate::plan::plan)
}

#[test]
fn an_alternate_with_an_included_plan() -> Result<(), Box<dyn error::Error>> {
    assert_expands("include", crate::plan::plan)
}

#[test]
fn a_plan_derived_from_another() -> Result<(), Box<dyn error::Error>> {
    assert_expands("derived", crate::plan::plan)
}

#[test]
fn a_faulty_table_keeps_what_is_sound() -> Result<(), Box<dyn error::Error>> {
    assert_expands("faulty_table", crate::plan::plan)
}

#[test]
fn a_struct_of_modules() -> Result<(), Box<dyn error::Error>> {
    assert_expands("module", crate::module::derive)
}

#[test]
fn a_generic_struct_with_a_name_of_its_own() -> Result<(), Box<dyn error::Error>> {
    assert_expands("named_module", crate::module::derive)
}

#[test]
fn a_faulty_struct_is_a_module_nonetheless() -> Result<(), Box<dyn error::Error>> {
    assert_expands("faulty_module", crate::module::derive)
}
