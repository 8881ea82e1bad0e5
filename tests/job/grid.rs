//! Ranks that keep state of a model's parameters as trainers do: each the same, or each a share.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tch::{Kind, Tensor};
use tp_runtime::Result;
use tp_runtime::comm::{Launch, ProcessGroup, launch};
use tp_runtime::job::{JobFolder, Piece, PieceState};
use tp_runtime::mesh::DeviceMesh;
use tp_runtime::module::ShardedParam;
use tp_runtime::parallel::ParallelModel;
use tp_runtime::plan::{Plan, chunk};
use tp_tests::fixture;

/// How many data-parallel and tensor-parallel ranks there are, and whether the former divide the state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    pub(crate) dp: usize,
    pub(crate) tp: usize,
    pub(crate) divided: bool,
}

/// One rank alone.
pub(crate) const ONE: Grid = Grid {
    dp: 1,
    tp: 1,
    divided: false,
};

/// Two by two ranks that divide the state.
pub(crate) const FOUR: Grid = Grid {
    dp: 2,
    tp: 2,
    divided: true,
};

/// One rank of a grid.
pub(crate) struct Rank {
    grid: Grid,
    dp: usize,
    pub(crate) model: ParallelModel,
    /// All ranks, which wait for each other as long as it takes.
    pub(crate) world: ProcessGroup,
}

/// Runs `body` on every rank of a grid, with the model of a fixture.
pub(crate) fn on_grid(
    grid: Grid,
    (name, plan): (&str, Option<&'static Plan>),
    body: impl Fn(&Rank) -> Result<()> + Sync,
) {
    let options = Launch {
        timeout: Duration::from_secs(60),
        threads_per_rank: Some(1),
        ..Launch::new(grid.dp * grid.tp)
    };
    let dir = fixture(name).dir;
    let run = |context: tp_runtime::comm::RankContext| -> Result<()> {
        let mesh: DeviceMesh = context.mesh(&[("dp", grid.dp), ("tp", grid.tp)])?;
        let mut model = ParallelModel::from_pretrained(&dir);
        if let Some(plan) = plan {
            model = model.plan(plan);
        }
        body(&Rank {
            grid,
            dp: mesh.coordinate("dp")?,
            model: model.load(&mesh)?,
            world: mesh.world().with_timeout(Duration::MAX)?,
        })
    };
    if let Err(error) = launch(&options, run) {
        panic!("{grid:?}: {error}");
    }
}

impl Rank {
    /// What this rank keeps of every parameter after a step; zeros if there was none.
    pub(crate) fn state(&self, step: Option<u64>) -> Vec<PieceState> {
        let params = self.model.parameters();
        let of_pieces = self.pieces(&params).into_iter();
        let state = of_pieces.map(|piece| {
            let named = &params[piece.parameter];
            let tensors = ["exp_avg", "exp_avg_sq"].into_iter().zip(0..);
            let tensors = tensors.map(|(name, salt)| {
                let whole = whole(named, step, salt);
                let local = self.local(named, &whole).contiguous().view([-1]);
                let (start, length) = (piece.elements.start, piece.elements.end);
                let kept = local.narrow(0, start, length - start).copy();
                (name.to_owned(), kept)
            });
            let tensors = tensors.collect();
            PieceState { piece, tensors }
        });
        state.collect()
    }

    /// What of it this rank has to save.
    pub(crate) fn saved_state(&self, step: u64) -> Vec<PieceState> {
        match self.grid.divided || self.dp == 0 {
            true => self.state(Some(step)),
            false => Vec::new(),
        }
    }

    /// Opens a job's folder and saves one step.
    pub(crate) fn save(&self, dir: &Path, step: u64) -> Result<()> {
        let folder = JobFolder::open(dir, &self.world)?;
        self.save_in(&folder, step)
    }

    /// Saves one step.
    pub(crate) fn save_in(&self, folder: &JobFolder, step: u64) -> Result<()> {
        let job = json!({ "seed": 7, "step": step });
        folder.save(&self.model, step, &job, &self.saved_state(step))
    }

    /// This rank's part of a whole tensor, by the parameter's own partition.
    fn local(&self, named: &ShardedParam<'_>, whole: &Tensor) -> Tensor {
        let group = self.model.group();
        match named.sharding.split() {
            None => whole.shallow_clone(),
            Some((dim, partition)) => {
                let ranges = partition.ranges(group.rank(), group.size()).into_iter();
                let held = ranges
                    .map(|range| whole.narrow(dim as i64, range.start, range.end - range.start));
                Tensor::cat(&held.collect::<Vec<_>>(), dim as i64)
            }
        }
    }

    /// Where divided, the parts of all parameters lie one after another in a vector of two buckets, and
    /// every data-parallel rank has a chunk of each bucket.
    fn pieces(&self, params: &[ShardedParam<'_>]) -> Vec<Piece> {
        let group = self.model.group();
        let lengths: Vec<i64> = params
            .iter()
            .map(|named| {
                let shape = named.param.shape();
                let local = named
                    .sharding
                    .local_shape(shape, group.rank(), group.size());
                local.iter().product()
            })
            .collect();
        let total: i64 = lengths.iter().sum();
        let own: Vec<_> = match self.grid.divided {
            false => std::iter::once(0..total).collect(),
            true => (0..2)
                .map(|bucket| {
                    let bucket = chunk(total, bucket, 2);
                    let own = chunk(bucket.end - bucket.start, self.dp, self.grid.dp);
                    bucket.start + own.start..bucket.start + own.end
                })
                .collect(),
        };
        let mut pieces = Vec::new();
        let mut first = 0;
        for (parameter, length) in lengths.into_iter().enumerate() {
            for own in &own {
                let (start, end) = (own.start.max(first), own.end.min(first + length));
                if start < end {
                    pieces.push(Piece {
                        parameter,
                        elements: start - first..end - first,
                    });
                }
            }
            first += length;
        }
        pieces
    }
}

/// The state of a whole parameter: no two elements of it are the same, nor are those of two parameters at
/// one place.
fn whole(named: &ShardedParam<'_>, step: Option<u64>, salt: u64) -> Tensor {
    let shape = named.param.shape();
    let Some(step) = step else {
        return Tensor::zeros(shape, (Kind::Float, tch::Device::Cpu));
    };
    let of_name = named
        .name
        .bytes()
        .fold(salt, |hash, byte| (hash * 31 + u64::from(byte)) % 4096);
    let count: i64 = shape.iter().product();
    let elements = Tensor::arange(count, (Kind::Double, tch::Device::Cpu)) + 1.0;
    let values = elements * (1.0 + of_name as f64 / 4096.0) * (1.0 + step as f64 / 1024.0);
    values.to_kind(Kind::Float).view(shape)
}
