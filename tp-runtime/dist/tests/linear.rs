//! Linear layers by other products are those of libtorch.

use tch::{Device, Kind, Tensor};
use tp_dist::kernels::linear;

/// Numbers in -1..1 without a pattern that sums would hide.
fn numbers(shape: &[i64], seed: f64) -> Tensor {
    let count: i64 = shape.iter().product();
    let counted = Tensor::arange(count, (Kind::Double, Device::Cpu));
    (counted * 0.7391 + seed).sin().view(shape)
}

/// How far apart two tensors are, beside the largest number of the second.
fn distance(found: &Tensor, wanted: &Tensor) -> f64 {
    assert_eq!(found.size(), wanted.size());
    let wanted = wanted.to_kind(Kind::Double);
    let furthest = (found.to_kind(Kind::Double) - &wanted).abs().max();
    furthest.double_value(&[]) / wanted.abs().max().double_value(&[]).max(1e-30)
}

#[test]
fn few_rows_and_many_of_any_length() {
    for (kind, allowed) in [(Kind::Float, 1e-5), (Kind::BFloat16, 1e-2)] {
        for rows in [1, 2, 3, 4, 5, 6, 7, 8, 9, 40] {
            for (features, out) in [(1, 1), (15, 3), (16, 4), (65, 7), (513, 130)] {
                let input = numbers(&[rows, features], 1.0).to_kind(kind);
                let weight = numbers(&[out, features], 2.0).to_kind(kind);
                let bias = numbers(&[out], 3.0).to_kind(kind);
                let exact = |tensor: &Tensor| tensor.to_kind(Kind::Double);
                for bias in [None, Some(&bias)] {
                    let found = linear(&input, &weight, bias).expect("a product");
                    assert_eq!(found.kind(), kind);
                    let wanted = exact(&input).linear(&exact(&weight), bias.map(exact));
                    let distance = distance(&found, &wanted);
                    assert!(
                        distance < allowed,
                        "{kind:?} {rows} {features} {out}: {distance}"
                    );
                }
            }
        }
    }
}

#[test]
fn inputs_of_any_shape_and_layout() {
    let weight = numbers(&[6, 10], 1.0);
    let transposed = numbers(&[10, 6], 1.0).transpose(0, 1);
    let batch = numbers(&[2, 3, 10], 2.0);
    let cut = numbers(&[2, 3, 20], 2.0).narrow(2, 5, 10);
    let nothing = numbers(&[0, 10], 2.0);
    for kind in [Kind::Float, Kind::Double, Kind::BFloat16] {
        for weight in [&weight, &transposed].map(|weight| weight.to_kind(kind)) {
            for input in [&batch, &cut, &nothing].map(|input| input.to_kind(kind)) {
                let found = linear(&input, &weight, None).expect("a product");
                let wanted = input.linear(&weight, None::<&Tensor>);
                assert_eq!(found.size(), wanted.size());
                assert!(found.numel() == 0 || distance(&found, &wanted) < 1e-2);
            }
        }
    }
}

#[test]
fn the_backward_is_that_of_libtorch() {
    let shapes: [(&[i64], bool); 3] = [(&[2, 9, 20], true), (&[7, 20], false), (&[1, 20], true)];
    for (shape, has_bias) in shapes {
        let leaf = |shape: &[i64], seed| {
            let leaf = numbers(shape, seed).to_kind(Kind::Float);
            leaf.set_requires_grad(true)
        };
        let gradients = |other: bool| {
            let (input, weight, bias) = (leaf(shape, 1.0), leaf(&[6, 20], 2.0), leaf(&[6], 3.0));
            let bias = has_bias.then_some(bias);
            let output = match other {
                true => linear(&input, &weight, bias.as_ref()).expect("a product"),
                false => input.linear(&weight, bias.as_ref()),
            };
            (output.sin().sum(Kind::Float)).backward();
            [Some(input), Some(weight), bias].map(|leaf| leaf.map(|leaf| leaf.grad()))
        };
        for (found, wanted) in gradients(true).iter().zip(&gradients(false)) {
            match (found, wanted) {
                (Some(found), Some(wanted)) => assert!(distance(found, wanted) < 1e-5),
                (found, wanted) => assert!(found.is_none() && wanted.is_none()),
            }
        }
    }
}

#[test]
fn a_weight_that_does_not_fit_is_refused() {
    let (input, weight) = (numbers(&[2, 3], 1.0), numbers(&[4, 5], 2.0));
    assert!(linear(&input, &weight, None).is_err());
    let mixed = linear(&input.to_kind(Kind::Float), &numbers(&[4, 3], 1.0), None);
    assert!(mixed.is_err());
}
