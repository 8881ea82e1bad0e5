//! Images in a text: their features take the places of a token that stands for them.

use tch::{Kind, Tensor};
use tp_runtime::Result;
use tp_runtime::dtensor::DTensor;
use tp_runtime::model::InputError;

/// `embeddings` with the `features` of images, in order, where `ids` holds `token`.
///
/// # Shapes
/// `[batch, sequence, hidden]`, ids `[batch, sequence]`, features `[positions, hidden]` → the first
///
/// # Errors
/// When there are more places than features or fewer.
pub fn fill_image_positions(
    embeddings: &DTensor,
    ids: &Tensor,
    token: i64,
    features: &DTensor,
) -> Result<DTensor> {
    let places = ids.eq(token);
    let (count, given) = (
        places.sum(Kind::Int64).int64_value(&[]),
        features.shape()[0],
    );
    if count != given {
        let places = count;
        return Err(InputError::ImagePositions {
            token,
            places,
            given,
        }
        .into());
    }
    embeddings.fill(&places, features)
}
