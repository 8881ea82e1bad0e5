//! Cross entropy on logits sharded over the vocabulary, held to torch's own on the whole of them.

use std::rc::Rc;

use tch::{Kind, Reduction, Tensor};
use tp_runtime::Result;
use tp_runtime::comm::RankContext;
use tp_runtime::dtensor::DTensor;
use tp_runtime::loss::{IGNORED_LABEL, cross_entropy};
use tp_runtime::plan::{Placement, chunk};
use tp_runtime::testing::{Tolerance, assert_close};
use tp_tests::ranks::{integers, on_bare_ranks};

const ROWS: [i64; 2] = [2, 5];

/// What the loss is multiplied by before the backward, as accumulation does.
const SCALE: f64 = 3.0;

struct Case {
    logits: Tensor,
    labels: Tensor,
}

impl Case {
    /// Labels at both ends of the vocabulary, in between, and ignored ones.
    fn new(vocabulary: i64) -> Self {
        let last = vocabulary - 1;
        let ignored = IGNORED_LABEL;
        let labels = [
            0,
            last,
            ignored,
            last / 2,
            0,
            ignored,
            last,
            last / 3,
            last / 2,
            1.min(last),
        ];
        Self {
            logits: integers(&[ROWS[0], ROWS[1], vocabulary], 1) / 2,
            labels: Tensor::from_slice(&labels).view(ROWS),
        }
    }

    /// Torch's loss, and its gradient by the whole logits.
    fn reference(&self) -> (Tensor, Tensor) {
        let logits = self.logits.copy().set_requires_grad(true);
        let loss = logits.flatten(0, 1).cross_entropy_loss::<Tensor>(
            &self.labels.flatten(0, 1),
            None,
            Reduction::Mean,
            IGNORED_LABEL,
            0.0,
        );
        (&loss * SCALE).backward();
        (loss.detach(), logits.grad())
    }

    /// Ours, on this rank's part of the logits.
    fn ours(&self, rank: &RankContext, placement: Placement) -> Result<(Tensor, Tensor)> {
        let shape = self.logits.size();
        let own = match placement {
            Placement::Shard(_) => chunk(shape[2], rank.rank(), rank.world_size()),
            _ => 0..shape[2],
        };
        let local = self.logits.narrow(2, own.start, own.end - own.start).copy();
        let local = local.set_requires_grad(true);
        let producer = Rc::from("lm_head");
        let logits = DTensor::from_local(
            local.shallow_clone(),
            placement,
            &shape,
            &rank.world,
            &producer,
        )?;
        let loss = cross_entropy(&logits, &self.labels)?;
        (&loss * SCALE).backward();
        let gradient = match placement {
            Placement::Shard(_) => rank.world.all_gather(&local.grad(), 2, shape[2], "test")?,
            _ => local.grad(),
        };
        Ok((loss.detach(), gradient))
    }
}

fn check(build: impl Fn() -> Case + Sync, degree: usize, placement: Placement) {
    on_bare_ranks(degree, |rank| {
        let case = build();
        let (loss, gradient) = case.reference();
        let (our_loss, our_gradient) = case.ours(&rank, placement)?;
        let name = format!("{} tokens over {degree} ranks", case.logits.size()[2]);
        assert_close(&format!("loss, {name}"), &our_loss, &loss, Tolerance::F32);
        assert_close(
            &format!("gradient, {name}"),
            &our_gradient,
            &gradient,
            Tolerance::F32,
        );
        Ok(())
    });
}

#[test]
fn it_is_torchs_for_any_vocabulary_and_degree() {
    // 5 over 4 leaves a rank without tokens, 3 and 1 more than one.
    for vocabulary in [257, 64, 5, 3, 1] {
        for degree in [1, 2, 4] {
            check(|| Case::new(vocabulary), degree, Placement::Shard(-1));
        }
    }
}

#[test]
fn whole_logits_give_the_same() {
    check(|| Case::new(257), 2, Placement::Replicate);
}

#[test]
fn logits_far_from_zero_do_not_overflow() {
    let far = || {
        let mut case = Case::new(8);
        // The first rank's are out of `exp`'s range one way, the last one's the other.
        case.logits += Tensor::linspace(500, -500, 8, (Kind::Float, tch::Device::Cpu));
        case
    };
    for degree in [1, 2, 4] {
        check(far, degree, Placement::Shard(-1));
    }
}

#[test]
fn without_a_label_the_mean_is_of_nothing_as_in_torch() {
    on_bare_ranks(2, |rank| {
        let mut case = Case::new(8);
        case.labels = case.labels.full_like(IGNORED_LABEL);
        let (loss, _) = case.reference();
        let (our_loss, _) = case.ours(&rank, Placement::Shard(-1))?;
        assert!(loss.double_value(&[]).is_nan() && our_loss.double_value(&[]).is_nan());
        Ok(())
    });
}
