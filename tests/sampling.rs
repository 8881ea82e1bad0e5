//! The same token at every degree, and the right one.

use std::rc::Rc;
use std::sync::Mutex;

use tch::{Device, Kind, Tensor};
use tp_runtime::comm::RankContext;
use tp_runtime::dtensor::DTensor;
use tp_runtime::generate::{LogitsProcessor, Progress, Sampler, Sampling};
use tp_runtime::plan::{Placement, chunk};
use tp_tests::ranks::{integers, on_bare_ranks};

/// This rank's part of `[batch, vocabulary]` logits of one position.
fn sharded(logits: &Tensor, rank: &RankContext) -> DTensor {
    let whole = logits.unsqueeze(1);
    let shape = whole.size();
    let own = chunk(shape[2], rank.rank(), rank.world_size());
    let local = whole.narrow(2, own.start, own.end - own.start).copy();
    let producer = Rc::from("lm_head");
    DTensor::from_local(local, Placement::Shard(-1), &shape, &rank.world, &producer)
        .expect("a part of the shape")
}

/// The tokens of `rounds` choices in a row, which every rank must make alike; each row has the next seed.
fn chosen(
    degree: usize,
    (seed, processors): &(Option<u64>, Vec<LogitsProcessor>),
    rounds: usize,
    logits: impl Fn() -> Tensor + Sync,
) -> Vec<Vec<i64>> {
    let of_ranks = Mutex::new(Vec::new());
    on_bare_ranks(degree, |rank| {
        let logits = sharded(&logits(), &rank);
        let shape = logits.shape();
        let sampling = match seed {
            None => Sampling::Greedy,
            Some(seed) => Sampling::Random {
                seeds: (0..shape[0] as u64).map(|row| seed + row).collect(),
            },
        };
        let ids = Tensor::zeros([shape[0], 1], (Kind::Int64, Device::Cpu));
        let mut sampler = Sampler::new(sampling, processors, shape[2])?;
        let mut tokens = Vec::new();
        for _ in 0..rounds {
            let progress = Progress {
                ids: &ids,
                prompt: 1,
                limit: 9,
            };
            tokens.push(Vec::try_from(sampler.choose(&logits, &[progress])?)?);
        }
        of_ranks.lock().expect("no rank panicked").push(tokens);
        Ok(())
    });
    let mut of_ranks = of_ranks.into_inner().expect("no rank panicked");
    let first = of_ranks.pop().expect("there is a rank");
    for other in of_ranks {
        assert_eq!(other, first, "{seed:?} on {degree} ranks");
    }
    first
}

fn greedy(processors: &[LogitsProcessor]) -> (Option<u64>, Vec<LogitsProcessor>) {
    (None, processors.to_vec())
}

fn random(temperature: f64, top_p: f64, seed: u64) -> (Option<u64>, Vec<LogitsProcessor>) {
    let processors = vec![
        LogitsProcessor::Temperature(temperature),
        LogitsProcessor::TopP(top_p),
    ];
    (Some(seed), processors)
}

#[test]
fn every_degree_chooses_the_same() {
    for vocabulary in [257, 5, 2] {
        let logits = || integers(&[3, vocabulary], 4) / 3.0;
        for sampling in [
            greedy(&[]),
            greedy(&[LogitsProcessor::RepetitionPenalty(9.0)]),
            random(0.7, 0.8, 1),
            random(1.0, 1.0, 2),
            random(2.5, 0.3, 3),
        ] {
            let alone = chosen(1, &sampling, 8, logits);
            for degree in [2, 3, 4] {
                let context = format!("{sampling:?}, {vocabulary} tokens, {degree} ranks");
                assert_eq!(chosen(degree, &sampling, 8, logits), alone, "{context}");
            }
        }
    }
}

#[test]
fn greedy_takes_the_smallest_id_among_equals() {
    // Equals inside a rank's part, across two parts, and everywhere.
    let rows = || {
        Tensor::from_slice2(&[
            [0f32, 1., 7., 7., 0., 0., 0., 0.],
            [0., 0., 0., 0., 0., 9., 0., 9.],
            [0., 3., 0., 0., 3., 0., 0., 3.],
            [2., 2., 2., 2., 2., 2., 2., 2.],
            [-9., -9., -9., -9., -9., -9., -9., -8.],
        ])
    };
    for degree in [1, 2, 3, 4] {
        assert_eq!(
            chosen(degree, &greedy(&[]), 1, rows),
            [[2, 5, 1, 0, 7]],
            "{degree} ranks"
        );
    }
}

/// How often each of four tokens with probabilities 1/2, 1/4, 1/8, 1/8 is drawn.
fn frequencies(temperature: f64, top_p: f64) -> [f64; 4] {
    const ROWS: i64 = 4000;
    // Not in order of probability.
    let logits = || {
        let row = Tensor::from_slice(&[0.125f32, 0.5, 0.125, 0.25]).log();
        row.unsqueeze(0).expand([ROWS, 4], false)
    };
    let mut counts = [0.0; 4];
    for token in &chosen(2, &random(temperature, top_p, 5), 1, logits)[0] {
        counts[*token as usize] += 1.0 / ROWS as f64;
    }
    counts
}

fn assert_frequencies(found: [f64; 4], wanted: [f64; 4]) {
    for (found_one, wanted_one) in found.iter().zip(wanted) {
        // More than four standard deviations of 4000 draws.
        let near = (found_one - wanted_one).abs() < 0.035;
        assert!(near, "{found:?} is not about {wanted:?}");
    }
}

#[test]
fn draws_follow_the_probabilities() {
    assert_frequencies(frequencies(1.0, 1.0), [0.125, 0.5, 0.125, 0.25]);
    // Half the temperature squares them: 1/64, 16/64, 1/64, 4/64 of 22/64.
    let squared = [1.0 / 22.0, 16.0 / 22.0, 1.0 / 22.0, 4.0 / 22.0];
    assert_frequencies(frequencies(0.5, 1.0), squared);
}

#[test]
fn top_p_keeps_the_likeliest_that_reach_it() {
    let third = 1.0 / 3.0;
    let kept = frequencies(1.0, 0.7);
    assert_frequencies(kept, [0.0, 2.0 * third, 0.0, third]);
    assert_eq!((kept[0], kept[2]), (0.0, 0.0));
    // The likeliest always stays.
    assert_eq!(
        frequencies(1.0, 0.001).map(f64::round),
        [0.0, 1.0, 0.0, 0.0]
    );
}

#[test]
fn tokens_that_reach_top_p_exactly_are_enough() {
    // Four tokens of probability 1/4, which floating point holds exactly.
    let logits = || Tensor::zeros([400, 4], (Kind::Float, Device::Cpu));
    let mut drawn = chosen(2, &random(1.0, 0.5, 7), 1, logits).concat();
    drawn.sort_unstable();
    drawn.dedup();
    assert_eq!(drawn.len(), 2, "{drawn:?}");
}

#[test]
fn a_seed_draws_its_own_tokens() {
    let logits = || integers(&[2, 64], 6) / 8.0;
    let draw = |seed| chosen(2, &random(1.0, 1.0, seed), 16, logits);
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}
