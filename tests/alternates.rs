//! Plans with names of their own: fused layers split by segments, and sequence parallelism where the
//! default plan has none. Every number is the unsharded model's.

use tp_models::mistral3::MISTRAL3_SEQUENCE_PARALLEL;
use tp_models::phi3::PHI3_FUSED;
use tp_runtime::testing::Parity;

macro_rules! parity {
    ($($test:ident: $plan:ident of $fixture:literal on $degrees:expr,)*) => {
        $(#[test] fn $test() {
            Parity::of(concat!("fixtures/", $fixture)).plan(&$plan).degrees($degrees).check();
        })*
    };
}

parity! {
    images_in_shares_of_the_text: MISTRAL3_SEQUENCE_PARALLEL of "mistral3_cond" on [1, 2, 3, 4],
    images_in_shares_of_the_text_by_older_names: MISTRAL3_SEQUENCE_PARALLEL of "mistral3_hub" on [2],
    fused_projections_by_segments: PHI3_FUSED of "phi3" on [1, 2, 3, 4, 8],
    fused_projections_and_long_texts: PHI3_FUSED of "phi3_longrope" on [1, 2, 3, 4],
}
