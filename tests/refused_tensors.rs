//! A tensor that libtorch refuses one rank is an error that names the module and the rank.

use std::rc::Rc;
use std::sync::Mutex;

use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};
use tp_runtime::comm::{Launch, LaunchError, launch};
use tp_runtime::dtensor::{DTensor, ShapeError, TensorError};
use tp_runtime::model::{FromConfig, Inputs, Model};
use tp_runtime::nn::{Embedding, KvCache, Linear, LinearShape};
use tp_runtime::parallel::{ParallelModel, ParallelOptions};
use tp_runtime::plan::Placement::Replicate;
use tp_runtime::{Error, Module, Result, register_model, tp_plan};
use tp_tests::ranks::on_bare_ranks;

/// More elements than any memory holds.
const TOO_MANY: i64 = 1 << 50;

/// A model that does not fit itself: `up` takes twelve features and is given eight.
#[derive(Module)]
#[flow(embed -> up)]
struct Misfit {
    embed: Embedding,
    up: Linear,
}

impl FromConfig for Misfit {
    fn from_config(_: &Value) -> Result<Self> {
        Ok(Self {
            embed: Embedding::new(16, 8, None),
            up: Linear::new(LinearShape::new(12, 16)),
        })
    }
}

impl Model for Misfit {
    fn vocabulary_size(&self) -> i64 {
        16
    }

    fn forward(&self, inputs: &Inputs, _: Option<&mut KvCache>) -> Result<DTensor> {
        self.up.forward(&self.embed.forward(&inputs.input_ids)?)
    }
}

register_model!(Misfit);

tp_plan! {
    /// Its output features split.
    MISFIT for Misfit;
    "embed" => _,
    "up"    => Colwise,
}

#[test]
fn a_layer_that_cannot_compute_is_named_with_its_rank() {
    let refused = Mutex::new(Vec::new());
    let outcome = launch(&Launch::new(2), |rank| {
        let number = rank.rank();
        let mesh = rank.mesh(&[("tp", 2)])?;
        let config = json!({ "architectures": ["Misfit"] });
        let options = ParallelOptions::default();
        let model = ParallelModel::initialize(&config, Vec::new(), 0, &mesh, options)?;
        let ids = Tensor::zeros([1, 3], (Kind::Int64, Device::Cpu));
        match model.forward(&Inputs::new(ids), None) {
            Err(Error::Tensor(TensorError { module, rank, .. })) => {
                refused
                    .lock()
                    .expect("no rank panicked")
                    .push((module, rank == number));
                Ok(())
            }
            Err(other) => Err(other),
            Ok(_) => panic!("eight features are twelve"),
        }
    });
    outcome.expect("every rank sees its own error");
    let refused = refused.into_inner().expect("no rank panicked");
    assert_eq!(refused, [("up".to_owned(), true), ("up".to_owned(), true)]);
}

#[test]
fn memory_that_one_rank_cannot_have_ends_the_job_with_its_reason() {
    let outcome = launch(&Launch::new(2), |rank| {
        let ones = Tensor::ones([4], (Kind::Float, Device::Cpu));
        let whole = DTensor::replicate(ones, &rank.world, &Rc::from("layers.3.mlp"));
        let grown = whole.map("growing", &[4], |local| match rank.rank() {
            1 => Tensor::f_zeros([TOO_MANY], (Kind::Float, Device::Cpu)),
            _ => Ok(local),
        });
        let grown = grown?.full()?;
        rank.world.barrier("the end")?;
        Ok::<_, Error>(grown.numel())
    });
    let refused = match outcome {
        Err(LaunchError::Failed {
            rank: 1,
            error: Error::Tensor(refused),
        }) => refused,
        other => panic!("no machine has four petabytes: {other:?}"),
    };
    assert_eq!((&*refused.module, refused.rank), ("layers.3.mlp", 1));
    let message = refused.to_string();
    assert!(message.contains("allocate"), "{message}");
    // Who called whom in libtorch helps nobody here.
    assert!(!message.contains("frame #"), "{message}");
}

/// What a tensor of this shape says to `look`.
fn refused<T>(shape: &[i64], look: impl Fn(&DTensor) -> Result<T> + Sync) -> String {
    let message = Mutex::new(String::new());
    on_bare_ranks(1, |rank| {
        let ones = Tensor::ones(shape, (Kind::Float, Device::Cpu));
        let tensor = DTensor::replicate(ones, &rank.world, &Rc::from("q_proj"));
        match look(&tensor) {
            Err(error @ Error::Shape(_)) => {
                *message.lock().expect("one rank") = error.to_string();
                Ok(())
            }
            Err(other) => Err(other),
            Ok(_) => panic!("{shape:?} is accepted"),
        }
    });
    message.into_inner().expect("one rank")
}

#[test]
fn heads_that_are_none() {
    for head_dim in [0, -2, 5] {
        let message = refused(&[1, 2, 8], |tensor| tensor.split_heads(head_dim));
        let said = format!("`q_proj` gives 8 features, which are no heads of {head_dim}");
        assert!(message.starts_with(&said), "{message}");
    }
    let message = refused(&[8], DTensor::merge_heads);
    assert!(message.contains("[.., heads, head_dim]"), "{message}");
    let message = refused(&[1, 2, 8], |tensor| tensor.last_positions(3));
    assert!(message.contains("the last 3 positions"), "{message}");
}

#[test]
fn a_part_that_is_no_part_of_the_whole() {
    on_bare_ranks(2, |rank| {
        let part = |shape: &[i64]| Tensor::ones(shape, (Kind::Float, Device::Cpu));
        let producer = Rc::from("up_proj");
        let of = |local, placement, shape: &[i64]| {
            DTensor::from_local(local, placement, shape, &rank.world, &producer)
        };
        use tp_runtime::plan::Placement::Shard;
        // Three rows over two ranks are two and one.
        let own = if rank.rank() == 0 { 2 } else { 1 };
        of(part(&[own, 4]), Shard(0), &[3, 4])?;
        for (local, placement) in [
            (part(&[own + 1, 4]), Shard(0)),
            (part(&[own, 5]), Shard(0)),
            (part(&[own, 4]), Replicate),
        ] {
            let refused = of(local, placement, &[3, 4]);
            assert!(matches!(
                refused,
                Err(Error::Shape(ShapeError::Part { .. }))
            ));
        }
        let refused = of(part(&[3, 4]), Shard(2), &[3, 4]);
        assert!(matches!(
            refused,
            Err(Error::Shape(ShapeError::Dimension { .. }))
        ));
        Ok(())
    });
}
