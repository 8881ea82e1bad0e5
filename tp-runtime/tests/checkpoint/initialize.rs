//! A random start that does not depend on the number of ranks.

use tch::{Device, Kind, Tensor};
use tp_runtime::checkpoint::{LoadOptions, initialize};
use tp_runtime::module::{Initial, Param};
use tp_runtime::plan::Placement::Shard;

use crate::fixture::{named, rank, sharded, values};

fn params() -> [(&'static str, Param); 4] {
    [
        ("embed.weight", Param::new(&[257, 6])),
        ("down.weight", Param::new(&[6, 10])),
        ("down.bias", Param::new(&[6]).initial(Initial::Zeros)),
        ("norm.weight", Param::new(&[6]).initial(Initial::Ones)),
    ]
}

#[test]
fn parts_put_together_are_the_whole() {
    let whole = params();
    initialize(&named(&whole), 7, 0.02, &rank(0, 1)).unwrap();
    for world_size in [2, 3, 4] {
        let parts: Vec<_> = (0..world_size)
            .map(|index| {
                let part = params();
                let placed = sharded(&part, &[Shard(0), Shard(-1), Shard(0)]);
                initialize(&placed, 7, 0.02, &rank(index, world_size)).unwrap();
                part
            })
            .collect();
        for (index, dim) in [(0, 0), (1, 1), (2, 0)] {
            let locals: Vec<Tensor> = parts.iter().map(|part| part[index].1.local()).collect();
            assert_eq!(Tensor::cat(&locals, dim), whole[index].1.local());
        }
        assert!(
            parts
                .iter()
                .all(|part| part[3].1.local() == whole[3].1.local())
        );
    }
}

#[test]
fn parameters_start_from_what_their_layers_say() {
    let params = [
        ("w", Param::new(&[1000, 1000])),
        ("norm.weight", Param::new(&[6]).initial(Initial::Ones)),
        ("down.bias", Param::new(&[6]).initial(Initial::Zeros)),
    ];
    initialize(&named(&params), 1, 0.5, &rank(0, 1)).unwrap();
    let w = params[0].1.local();
    let (mean, std) = (w.mean(Kind::Double), w.std(true));
    assert!(mean.double_value(&[]).abs() < 2e-3, "{mean:?}");
    assert!((std.double_value(&[]) - 0.5).abs() < 2e-3, "{std:?}");
    // Shares of a normal distribution within one, two and three deviations.
    for (deviations, share) in [(1.0, 0.6827), (2.0, 0.9545), (3.0, 0.9973)] {
        let within = w
            .abs()
            .le(0.5 * deviations)
            .to_kind(Kind::Double)
            .mean(Kind::Double);
        assert!(
            (within.double_value(&[]) - share).abs() < 2e-3,
            "{deviations}: {within:?}"
        );
    }
    // Neighbours are unrelated.
    let product = (w.narrow(1, 0, 999) * w.narrow(1, 1, 999)).mean(Kind::Double);
    assert!(product.double_value(&[]).abs() < 2e-3, "{product:?}");
    assert_eq!(values(&params[1].1.local()), [1.0; 6]);
    assert_eq!(values(&params[2].1.local()), [0.0; 6]);
}

#[test]
fn seeds_and_names_make_the_difference() {
    let start = |seed, name| {
        let params = [(name, Param::new(&[4, 4]))];
        initialize(&named(&params), seed, 1.0, &rank(0, 1)).unwrap();
        values(&params[0].1.local())
    };
    assert_eq!(start(1, "a"), start(1, "a"));
    assert_ne!(start(1, "a"), start(2, "a"));
    assert_ne!(start(1, "a"), start(1, "b"));
}

#[test]
fn values_are_rounded_to_the_kind_asked_for() {
    let made = |kind| {
        let params = [("w", Param::new(&[8, 8]))];
        let options = LoadOptions {
            kind,
            device: Device::Cpu,
            ..rank(0, 1)
        };
        initialize(&named(&params), 1, 1.0, &options).unwrap();
        params[0].1.local()
    };
    assert_eq!(made(Kind::BFloat16).kind(), Kind::BFloat16);
    assert_eq!(
        made(Kind::BFloat16),
        made(Kind::Float).to_kind(Kind::BFloat16)
    );
}
