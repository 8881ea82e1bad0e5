//! Masks: of the right rate, independent of each other, and the same in parts as in one piece.

use std::ops::Range;

use tch::{Device, Kind, Tensor};

use super::splitmix::{number, numbers};
use super::{Dropout, DropoutKey};

const SITE: &str = "model.layers.0.self_attn.q_proj";
const WHOLE: [Range<i64>; 4] = [0..4, 0..8, 0..96, 0..160];

fn mask_of(key: &DropoutKey, site: &str, probability: f64, indices: [Range<i64>; 4]) -> Tensor {
    let dropout = Dropout::new(probability).unwrap();
    key.dropped_probabilities(dropout, site, indices, Device::Cpu)
        .unwrap()
}

fn mask(key: &DropoutKey, indices: [Range<i64>; 4]) -> Tensor {
    mask_of(key, SITE, 0.3, indices)
}

/// The correlation of two masks, in standard deviations of what independent ones have.
fn correlation(one: &Tensor, other: &Tensor) -> f64 {
    let centred = |mask: &Tensor| {
        let mask = mask.to_kind(Kind::Double);
        &mask - mask.mean(Kind::Double)
    };
    let (one, other) = (centred(one), centred(other));
    let product = |a: &Tensor, b: &Tensor| (a * b).sum(Kind::Double).double_value(&[]);
    let correlation =
        product(&one, &other) / (product(&one, &one) * product(&other, &other)).sqrt();
    correlation.abs() * (one.numel() as f64).sqrt()
}

#[test]
fn numbers_are_those_of_splitmix64() {
    // Of the reference implementation in C (Vigna), from the seed 1234567.
    let wanted: [u64; 5] = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ];
    let wanted = wanted.map(u64::cast_signed);
    assert_eq!([0, 1, 2, 3, 4].map(|index| number(1234567, index)), wanted);
    let seeds = [1234567, -1, i64::MIN];
    let indices = [0, 1, 4, i64::MAX - 1, -3];
    let column = Tensor::from_slice(&seeds).unsqueeze(1);
    let table = numbers(&column, &Tensor::from_slice(&indices)).unwrap();
    let each = seeds.map(|seed| indices.map(|index| number(seed, index)));
    assert_eq!(table, Tensor::from_slice(each.as_flattened()).view([3, 5]));
}

#[test]
fn as_many_are_dropped_as_asked() {
    for probability in [0.01, 0.1, 0.5, 0.9] {
        let mask = mask_of(&DropoutKey::new(1, 2), SITE, probability, WHOLE);
        let rows = mask.to_kind(Kind::Double).view([-1, 160]);
        let variance = probability * (1.0 - probability);
        let rate = rows.mean(Kind::Double).double_value(&[]);
        let deviation = (variance / mask.numel() as f64).sqrt();
        let off = (rate - probability).abs() / deviation;
        assert!(off < 4.0, "{rate} of {probability}: {off} deviations");
        // And the rows differ as much as independent elements have them differ.
        let of_rows = rows
            .mean_dim(1, false, Kind::Double)
            .var(true)
            .double_value(&[]);
        let ratio = of_rows / (variance / 160.0);
        assert!((0.9..1.1).contains(&ratio), "{ratio} of the variance");
    }
}

#[test]
fn masks_are_independent_of_each_other() {
    let key = DropoutKey::new(7, 3);
    let one = mask(&key, WHOLE);
    for (what, other) in [
        ("another seed", mask(&DropoutKey::new(8, 3), WHOLE)),
        ("the next step", mask(&DropoutKey::new(7, 4), WHOLE)),
        (
            "the next layer",
            mask_of(&key, "model.layers.1.self_attn.q_proj", 0.3, WHOLE),
        ),
        ("the next samples", mask(&key.clone().after(4, 0), WHOLE)),
    ] {
        let found = correlation(&one, &other);
        assert!(found < 4.0, "{what}: {found} deviations");
    }
    for (dim, range) in WHOLE.into_iter().enumerate() {
        for distance in [1, 2, 3] {
            let (dim, length) = (dim as i64, range.end - distance);
            let (a, b) = (
                one.narrow(dim, 0, length),
                one.narrow(dim, distance, length),
            );
            let found = correlation(&a, &b);
            assert!(
                found < 4.0,
                "dimension {dim}, {distance} apart: {found} deviations"
            );
        }
    }
    // Rows and columns are no mirror of each other.
    let square = one.narrow(3, 0, 96);
    let above = square.ones_like().triu(1);
    let [upper, lower] = [
        square.masked_select(&above),
        square.transpose(2, 3).masked_select(&above),
    ];
    assert!(correlation(&upper, &lower) < 4.0);
}

#[test]
fn parts_of_a_mask_are_masks_of_parts() {
    let key = DropoutKey::new(7, 3);
    let whole = mask(&key, WHOLE);
    for (dim, range) in WHOLE.into_iter().enumerate() {
        for cut in [1, range.end / 2, range.end] {
            let part = |part: Range<i64>| {
                let mut indices = WHOLE;
                indices[dim] = part;
                mask(&key, indices)
            };
            let joined = Tensor::cat(&[part(0..cut), part(cut..range.end)], dim as i64);
            assert_eq!(joined, whole, "dimension {dim} cut at {cut}");
        }
    }
}

/// Images one after another in one row have the masks that they have in rows of their own.
#[test]
fn packed_rows_have_their_own_masks() {
    let key = DropoutKey::new(7, 3).after(0, 5).of_images();
    let lengths = [3, 6, 2];
    let packed = mask(
        &key.clone().packed(lengths.to_vec()),
        [0..1, 0..2, 0..11, 0..11],
    );
    let mut start = 0;
    for (image, length) in (0..).zip(lengths) {
        let own = mask(&key, [image..image + 1, 0..2, 0..length, 0..length]);
        let part = packed.narrow(2, start, length).narrow(3, start, length);
        assert_eq!(part, own, "image {image}");
        start += length;
    }
}
