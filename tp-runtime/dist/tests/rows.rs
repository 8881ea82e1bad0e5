//! Norms and rotations in one pass are those of many calls.

use tch::{Device, Kind, Tensor};
use tp_dist::kernels::{rms_norm, rotate};

fn numbers(shape: &[i64], seed: f64) -> Tensor {
    let count: i64 = shape.iter().product();
    let counted = Tensor::arange(count, (Kind::Float, Device::Cpu));
    (counted * 0.7391 + seed).sin().view(shape)
}

fn are_close(found: &Tensor, wanted: &Tensor) {
    assert_eq!(found.size(), wanted.size());
    let furthest = (found - wanted).abs().max().double_value(&[]);
    assert!(furthest < 1e-6, "{furthest}");
}

#[test]
fn norms_of_any_width() {
    for shape in [&[1, 1, 512][..], &[3, 7], &[2, 5, 16], &[40, 33], &[4, 1]] {
        for offset in [0.0, 1.0] {
            let (x, weight) = (numbers(shape, 1.0), numbers(&shape[shape.len() - 1..], 2.0));
            let found = rms_norm(&x, &weight, 1e-5, offset).expect("memory");
            let mean = x.square().mean_dim([-1i64].as_slice(), true, Kind::Float);
            let wanted = &x * (mean + 1e-5).rsqrt() * (&weight + offset);
            are_close(&found.expect("plain tensors"), &wanted);
        }
    }
}

#[test]
fn rotations_of_all_features_and_of_some() {
    for (shape, width) in [([2, 5, 3, 8], 8), ([1, 1, 4, 64], 64), ([2, 3, 1, 10], 4)] {
        let x = numbers(&shape, 1.0);
        let [cosines, sines] = [2.0, 3.0].map(|seed| numbers(&[shape[1], 1, width], seed));
        let found = rotate(&x, &cosines, &sines).expect("memory");
        let turned = x.narrow(-1, 0, width);
        let [first, second] = [0, width / 2].map(|start| turned.narrow(-1, start, width / 2));
        let rotated = &turned * &cosines + Tensor::cat(&[&second, &first], -1) * &sines;
        let wanted = Tensor::cat(&[rotated, x.narrow(-1, width, shape[3] - width)], -1);
        are_close(&found.expect("plain tensors"), &wanted);
    }
}

#[test]
fn other_tensors_are_left_to_libtorch() {
    let (x, weight) = (numbers(&[2, 6], 1.0), numbers(&[6], 2.0));
    let refused =
        |x: &Tensor, weight: &Tensor| rms_norm(x, weight, 1e-5, 0.0).expect("memory").is_none();
    assert!(refused(&x.to_kind(Kind::BFloat16), &weight));
    assert!(refused(&numbers(&[6, 2], 1.0).transpose(0, 1), &weight));
    assert!(refused(&x, &numbers(&[5], 2.0)));
    let (x, table) = (numbers(&[2, 3, 5, 8], 1.0), numbers(&[3, 1, 8], 2.0));
    let refused = |x: &Tensor, table: &Tensor| rotate(x, table, table).expect("memory").is_none();
    assert!(refused(&x, &numbers(&[2, 1, 8], 2.0)));
    assert!(refused(&x, &numbers(&[3, 1, 10], 2.0)));
    assert!(refused(&x.to_kind(Kind::Double), &table));
    assert!(refused(&x.transpose(1, 2), &numbers(&[5, 1, 8], 2.0)));
}
