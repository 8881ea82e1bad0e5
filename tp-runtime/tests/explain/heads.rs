//! Norms of queries and keys: narrower than what they read, so they work on each head by itself.

use tp_runtime::Module;
use tp_runtime::explain::{Explanation, explain};
use tp_runtime::nn::{Embedding, Linear, LinearShape, RmsNorm};

use super::{COLWISE, ROWWISE, WIDTH, lines, plan, setup};

#[derive(Module)]
#[flow(embed -> attention -> head)]
struct Normed {
    embed: Embedding,
    attention: Attention,
    head: Linear,
}

#[derive(Module)]
#[flow((q -> q_norm), (k -> k_norm), v -> o -> +)]
struct Attention {
    q: Linear,
    k: Linear,
    v: Linear,
    o: Linear,
    q_norm: RmsNorm,
    k_norm: RmsNorm,
}

/// Two heads of three features; the norms are `width` wide.
fn of_normed(width: i64) -> tp_runtime::Result<Explanation> {
    let square = || Linear::new(LinearShape::new(WIDTH, WIDTH));
    let norm = || RmsNorm::new(width, 1e-5);
    let model = Normed {
        embed: Embedding::new(11, WIDTH, None),
        attention: Attention {
            q: square(),
            k: square(),
            v: square(),
            o: square(),
            q_norm: norm(),
            k_norm: norm(),
        },
        head: Linear::new(LinearShape::new(WIDTH, 11)),
    };
    let rows = [
        ("attention.q", COLWISE),
        ("attention.k", COLWISE),
        ("attention.v", COLWISE),
        ("attention.o", ROWWISE),
    ];
    explain(plan(Normed::NODE, &rows), &model, setup(2))
}

#[test]
fn a_norm_on_each_head_sums_its_gradient_over_the_ranks() {
    let report = of_normed(3).expect("layouts meet");
    assert_eq!(lines(&report.forward), ["all_reduce attention.o output"]);
    assert_eq!(
        lines(&report.backward),
        [
            "all_reduce attention.k_norm weight",
            "all_reduce attention.q_norm weight",
            "all_reduce attention.q+attention.k+attention.v input",
        ]
    );
}

#[test]
fn a_norm_over_all_features_reads_no_shard_of_them() {
    let refused = of_normed(WIDTH).err().map(|error| error.to_string());
    let text = refused.unwrap_or_default();
    assert!(
        text.contains("`attention.q_norm` expects its input as `Replicate`"),
        "{text}"
    );
}
