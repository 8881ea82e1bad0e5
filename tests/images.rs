//! Images that do not belong to their text are refused, the same way on every rank.

use tch::{Device, Kind, Tensor};
use tp_models as _;
use tp_runtime::Result;
use tp_runtime::model::Inputs;
use tp_runtime::parallel::ParallelModel;
use tp_runtime::testing::{Fixture, on_ranks, settings};
use tp_tests::fixture;

/// Changes the inputs of the case `image`, and expects an error that says `part`.
fn refused(name: &str, change: impl Fn(&mut Inputs) + Sync, part: &str) {
    for setting in settings(&[1, 2]) {
        on_ranks(&fixture(name).dir, setting, Kind::Float, |model| {
            let mut inputs = fixture(name).inputs("image");
            change(&mut inputs);
            match model.forward(&inputs, None) {
                Ok(_) => panic!("{name} went well, and should say: {part}"),
                Err(error) => assert!(
                    error.to_string().contains(part),
                    "{part} is not in: {error}"
                ),
            }
            Ok(())
        });
    }
}

fn images(shape: [i64; 4]) -> Option<Tensor> {
    Some(Tensor::ones(shape, (Kind::Float, Device::Cpu)))
}

#[test]
fn more_images_than_places() {
    let text = |inputs: &mut Inputs| inputs.input_ids = inputs.input_ids.ones_like();
    refused(
        "gemma3_cond",
        text,
        "leave room for 0 positions of images (token 122), and `pixel_values` fill 12",
    );
    refused(
        "mistral3_cond",
        text,
        "leave room for 0 positions of images (token 10), and `pixel_values` fill 13",
    );
}

#[test]
fn pixels_of_other_channels() {
    let gray = |inputs: &mut Inputs| inputs.pixel_values = images([3, 1, 8, 8]);
    refused(
        "gemma3_cond",
        gray,
        "`pixel_values` is [3, 1, 8, 8]: give [images, 3, height, width]",
    );
    let gray = |inputs: &mut Inputs| inputs.pixel_values = images([3, 1, 12, 12]);
    refused("mistral3_cond", gray, "give [images, 3, height, width]");
}

#[test]
fn sizes_the_towers_cannot_cut() {
    let large = |inputs: &mut Inputs| inputs.pixel_values = images([3, 3, 12, 12]);
    refused("gemma3_cond", large, "an image of 12 x 12 pixels");
    let sizes = |inputs: &mut Inputs| {
        inputs.image_sizes = Some(Tensor::from_slice2(&[[8i64, 12], [2, 4], [8, 8]]))
    };
    refused(
        "mistral3_cond",
        sizes,
        "`image_sizes` holds an image of 2 x 4 pixels: give 4 x 4 at least",
    );
    let sizes = |inputs: &mut Inputs| {
        inputs.image_sizes = Some(Tensor::from_slice2(&[[8i64, 16], [12, 4], [8, 8]]))
    };
    refused("mistral3_cond", sizes, "an image of 8 x 16 pixels");
    let sizes = |inputs: &mut Inputs| inputs.image_sizes = Some(Tensor::from_slice2(&[[8i64, 12]]));
    refused(
        "mistral3_cond",
        sizes,
        "`image_sizes` is [1, 2]: give [3, 2]",
    );
}

#[test]
fn inputs_that_mean_nothing_to_a_model() {
    let types = |inputs: &mut Inputs| inputs.token_type_ids = Some(inputs.input_ids.zeros_like());
    refused("mistral3_cond", types, "takes no `token_type_ids`");
    let sizes = |inputs: &mut Inputs| inputs.image_sizes = Some(Tensor::from_slice2(&[[8i64, 8]]));
    refused("gemma3_cond", sizes, "takes no `image_sizes`");
}

/// An image that fills its tensor needs no `image_sizes`.
#[test]
fn sizes_are_those_of_the_pixels_where_none_are_given() {
    let name = "mistral3_cond";
    let loss =
        |model: &ParallelModel, fixture: &Fixture, sizes: Option<Tensor>| -> Result<Tensor> {
            let inputs = Inputs {
                image_sizes: sizes,
                ..fixture.inputs("prompt_image")
            };
            model.loss(&inputs, &inputs.input_ids)
        };
    for setting in settings(&[2]) {
        on_ranks(&fixture(name).dir, setting, Kind::Float, |model| {
            let fixture = fixture(name);
            let given = fixture.find("prompt_image/image_sizes");
            assert_eq!(loss(model, &fixture, None)?, loss(model, &fixture, given)?);
            Ok(())
        });
    }
}
