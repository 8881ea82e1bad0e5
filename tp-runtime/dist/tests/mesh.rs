//! Device meshes: who shares a group with whom.

mod ranks;

use ranks::{failure, local, on_ranks, values};
use tch::Tensor;
use tp_dist::ReduceOp;

#[test]
fn ranks_are_laid_out_row_by_row() {
    on_ranks(&local(6, 20), |rank| {
        let mesh = rank.mesh(&[("dp", 3), ("tp", 2)])?;
        let number = rank.rank();
        assert_eq!((mesh.size("dp")?, mesh.size("tp")?), (3, 2));
        assert_eq!(
            (mesh.coordinate("dp")?, mesh.coordinate("tp")?),
            (number / 2, number % 2)
        );
        assert_eq!(
            mesh.group("dp")?.ranks(),
            [number % 2, number % 2 + 2, number % 2 + 4]
        );
        assert_eq!(
            mesh.group("tp")?.ranks(),
            [number / 2 * 2, number / 2 * 2 + 1]
        );
        Ok(())
    });
}

#[test]
fn collectives_stay_inside_their_group() {
    on_ranks(&local(8, 20), |rank| {
        let mesh = rank.mesh(&[("pp", 2), ("dp", 2), ("tp", 2)])?;
        let own = || Tensor::from_slice(&[(1 << rank.rank()) as f32]);
        for name in ["tp", "pp", "dp"] {
            let group = mesh.group(name)?;
            let sum = group.all_reduce(own(), ReduceOp::Sum, name)?;
            let expected: i32 = group.ranks().iter().map(|rank| 1 << rank).sum();
            assert_eq!(values(&sum), [expected as f32], "{name}");
        }
        Ok(())
    });
}

#[test]
fn a_dimension_of_one_needs_nobody() {
    on_ranks(&local(2, 20), |rank| {
        let mesh = rank.mesh(&[("dp", 1), ("tp", 2)])?;
        assert_eq!(mesh.group("dp")?.size(), 1);
        assert_eq!(mesh.group("tp")?.ranks(), rank.world.ranks());
        Ok(())
    });
}

#[test]
fn faults_say_what_would_work() {
    let fault = |dimensions: &[(&str, usize)]| {
        failure(&local(4, 20), |rank| rank.mesh(dimensions).map(drop))
    };
    let text = fault(&[("dp", 2), ("tp", 4)]);
    assert!(
        text.contains(
            "dp=2, tp=4 has 8 ranks, but the world has 4: choose dp=2, tp=2 or dp=1, tp=4"
        ),
        "{text}"
    );
    let text = fault(&[("dp", 3), ("tp", 4)]);
    assert!(text.ends_with("choose dp=1, tp=4"), "{text}");
    let text = fault(&[("dp", 3), ("tp", 3)]);
    assert!(text.contains("choose sizes whose product is 4"), "{text}");
    let text = fault(&[("tp", 2), ("tp", 2)]);
    assert!(text.contains("two dimensions `tp`"), "{text}");
}

#[test]
fn an_unknown_dimension_lists_the_known_ones() {
    let text = failure(&local(2, 20), |rank| {
        let mesh = rank.mesh(&[("dp", 1), ("tp", 2)])?;
        mesh.group("pp").map(drop)
    });
    assert!(
        text.contains("no dimension `pp`: it has `dp`, `tp`"),
        "{text}"
    );
}
