//! Second stage, inside an argument: the names of a fused projection's parts.

use syn::Expr;

use crate::fault::Fault;

/// The names that `[q, k, v]` lists.
///
/// # Errors
/// What is wrong with the list.
pub(super) fn parse(value: &Expr) -> Result<Vec<String>, Fault> {
    let Expr::Array(list) = value else {
        return Err(Fault::SegmentsValue);
    };
    let mut names: Vec<String> = Vec::new();
    for element in &list.elems {
        let Expr::Path(path) = element else {
            return Err(Fault::SegmentsValue);
        };
        let name = path.path.get_ident().ok_or(Fault::SegmentsValue)?;
        let name = name.to_string();
        if names.contains(&name) {
            return Err(Fault::SegmentTwice { name });
        }
        names.push(name);
    }
    if names.is_empty() {
        return Err(Fault::SegmentsValue);
    }
    Ok(names)
}
