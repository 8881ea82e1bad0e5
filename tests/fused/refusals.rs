//! What a fused layer cannot be given, before any weight is made.

use tp_runtime::plan::{self, Plan};
use tp_runtime::{Mode, Result, model};

use super::model::{
    AS_ONE, BY_SEGMENTS, MISNAMED, NO_HEADS, SHARED, SHARED_AS_ONE, UNFUSED, config,
};

fn refused(plan: &'static Plan, heads: (i64, i64), degree: usize, part: &str) -> Result<()> {
    let model = model::build(&config(heads.0, heads.1))?;
    match plan::resolve(plan, &model.layers(), degree, Mode::TensorParallel) {
        Ok(_) => panic!("`{}` was resolved, and should say: {part}", plan.name),
        Err(error) => assert!(
            error.to_string().contains(part),
            "{part} is not in: {error}"
        ),
    }
    Ok(())
}

fn degrees(plan: &'static Plan, heads: (i64, i64)) -> Result<String> {
    let model = model::build(&config(heads.0, heads.1))?;
    let degrees = plan::valid_degrees(plan, &model.layers(), Mode::TensorParallel)?;
    Ok(degrees.to_string())
}

#[test]
fn segments_are_the_layer_s_own_in_its_order() -> Result<()> {
    refused(
        &MISNAMED,
        (8, 2),
        2,
        "splits `layers.0.mlp.gate_up` by segments: write `segments: [gate, up]`",
    )?;
    refused(
        &UNFUSED,
        (8, 2),
        2,
        "splits `head` by segments: it is not fused, remove `segments`",
    )
}

#[test]
fn heads_are_shared_where_there_are_heads() -> Result<()> {
    refused(
        &SHARED_AS_ONE,
        (8, 2),
        2,
        "`layers.0.attention.qkv`, which is fused: write `segments: [q, k, v]` beside `share_heads`",
    )?;
    refused(
        &NO_HEADS,
        (8, 2),
        2,
        "the output of `layers.0.mlp.gate_up` is not made of heads: remove `share_heads`",
    )
}

#[test]
fn no_segment_s_heads_are_cut() -> Result<()> {
    assert_eq!(degrees(&AS_ONE, (8, 2))?, "1, 2");
    assert_eq!(degrees(&BY_SEGMENTS, (12, 6))?, "1, 2, 3, 6");
    assert_eq!(degrees(&SHARED, (8, 2))?, "1, 2, 4, 8");
    // Neither four heads on six ranks nor six ranks on four heads come out even.
    assert_eq!(degrees(&SHARED, (12, 4))?, "1, 2, 4, 12");
    refused(
        &BY_SEGMENTS,
        (8, 2),
        4,
        "`key_value_heads` is 2: degrees that work for this model are 1, 2; plan `shared` allows 4",
    )
}
